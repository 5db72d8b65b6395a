"""A believable day for `make demo`, tests and benches: people, conversations, officers and cases, from one seed. All of it is invented."""
