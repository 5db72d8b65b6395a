"""Telegram, through python-telegram-bot's types and calls; receiving is ours, since the library acknowledges what it only holds in memory.

inbound.py   what an update brings          receiver.py  store it, then do what goes along (typing, spinner, leaving a group)
routes.py    webhook                        poll.py      no public address: ask for updates, under a lease
render.py    a stored message as calls      client.py    make them; sort what goes wrong; fetch files
"""
