"""Graph components of Rasa's pipeline (config.yml names them)."""
