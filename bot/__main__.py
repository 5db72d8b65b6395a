"""`python -m bot` runs the whole service (bot/supervisor.py)."""

from bot.supervisor import main

main()
