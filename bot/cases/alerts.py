"""An alert leaves the house: by e-mail or webhook. It holds a case's number, level, topic and wait, and nothing of the person."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import httpx

from bot.knowledge import Knowledge

TIMEOUT = 10.0
FAILURES = (OSError, smtplib.SMTPException, httpx.HTTPError)
"""What sending may end in: it is tried again."""


@dataclass(frozen=True)
class Alert:
    """A case in danger that nobody has taken."""

    case: str
    level: int
    topic: str | None
    minutes: int

    def text(self, knowledge: Knowledge) -> str:
        """The alert for people, in the desk's languages."""
        return self._both(knowledge, "alert_text", "\n\n")

    def subject(self, knowledge: Knowledge) -> str:
        return self._both(knowledge, "alert_subject", " / ")

    def _both(self, knowledge: Knowledge, phrase: str, between: str) -> str:
        values = {"number": self.case, "level": str(self.level), "topic": self.topic or "–", "minutes": str(self.minutes)}
        return between.join(knowledge.phrase(phrase, language, **values) for language in ("es", "en"))


def send_email(alert: Alert, knowledge: Knowledge, url: str, to: str) -> None:
    """Send it by e-mail; takes as long as the server does.

    Args:
        url: smtp://user:password@host:port (TLS where the server offers it), or smtps://….

    Raises:
        OSError, smtplib.SMTPException: it was not sent.
    """
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = alert.subject(knowledge), to, to
    mail.set_content(alert.text(knowledge))
    where = urlsplit(url)
    secure = where.scheme == "smtps"
    host, port = where.hostname or "localhost", where.port or (465 if secure else 25)
    context = ssl.create_default_context()
    server = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context) if secure else smtplib.SMTP(host, port, timeout=TIMEOUT)
    with server:
        server.ehlo()
        if not secure and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        if where.username:
            server.login(unquote(where.username), unquote(where.password or ""))
        server.send_message(mail)


async def send_webhook(alert: Alert, knowledge: Knowledge, url: str) -> None:
    """Send it as JSON.

    Raises:
        httpx.HTTPError: it did not arrive, or was not taken.
    """
    async with httpx.AsyncClient(timeout=TIMEOUT) as http:
        answer = await http.post(url, json={**asdict(alert), "text": alert.text(knowledge)})
        answer.raise_for_status()
