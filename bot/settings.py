"""Every setting of the service, read once from the environment. docs/settings.md lists them; a test compares the two."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""The repository's folder: content, Rasa's files and the trained model are found from here."""

MODELS = ROOT / "models"
"""The trained model and what is built beside it; shared by all data folders, ignored by git."""


class Settings(BaseSettings):
    """Settings by environment variable; the names are the fields' names in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address that the public port listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The public port.")
    public_url: str | None = Field(default=None, description="The service's address from outside, for webhooks and links.")
    data_dir: Path = Field(default=ROOT / "var", description="Where everything is written while running.")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in DATA_DIR/db.")
    keys_file: Path | None = Field(default=None, description="Encryption keys; default: DATA_DIR/keys/keys.json, made at first start.")
    keys: str | None = Field(default=None, description="The content of the keys file itself.")
    content_dir: Path = Field(default=ROOT / "data", description="The content: knowledge, telephone lines, consulates, phrases.")
    workers: int = Field(default=2, ge=0, le=64, description="Worker processes of this machine.")
    limits: str = Field(default="on", pattern="^(on|off)$", description="`off` lifts the rate limits on loopback (benches, soak).")
    lease_seconds: float = Field(default=5.0, gt=2, description="How long a worker may hold a conversation without a sign.")
    interim_seconds: float = Field(default=1.5, gt=0, description="A level 1 message that waits longer gets its safety answer.")
    hung_seconds: float = Field(default=10.0, gt=2, description="A worker whose loop has not turned for this long is replaced.")
    telegram_token: str | None = Field(default=None, description="Telegram: the bot's token; with it the channel is on.")
    telegram_secret: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_-]{1,256}$", description="Telegram: the webhook's secret; default: made from the keys."
    )
    telegram_api_url: str = Field(default="https://api.telegram.org", description="Telegram: root of the Bot API, without `/bot`.")
    whatsapp_provider: str = Field(default="meta", pattern="^(meta|twilio)$", description="WhatsApp: `meta` (Cloud API) or `twilio`.")
    whatsapp_verify_token: str | None = Field(default=None, description="WhatsApp: the word that Meta's handshake must bring along.")
    whatsapp_app_secret: str | None = Field(default=None, description="WhatsApp: the app's secret, which signs webhook calls.")
    whatsapp_phone_number_id: str | None = Field(default=None, description="WhatsApp: id of our number; what is for others is ignored.")
    whatsapp_token: str | None = Field(default=None, description="WhatsApp: token of a system user, for calls.")
    whatsapp_api_url: str = Field(default="https://graph.facebook.com/v25.0", description="WhatsApp: root of the API with the version.")
    whatsapp_template: str = Field(default="answer_waiting", description="WhatsApp: template that asks the person to write.")
    whatsapp_reconcile_seconds: float = Field(
        default=60.0, gt=0, description="WhatsApp: how long a report may tell what became of a call with an unknown outcome."
    )
    twilio_account_sid: str | None = Field(default=None, description="WhatsApp by Twilio: the account.")
    twilio_auth_token: str | None = Field(default=None, description="WhatsApp by Twilio: its token, for calls and signatures.")
    twilio_from: str | None = Field(default=None, description="WhatsApp by Twilio: our number, E.164.")
    twilio_api_url: str = Field(default="https://api.twilio.com", description="WhatsApp by Twilio: root of the API.")
    channel_seconds: float = Field(default=20.0, gt=0, description="How long a channel's answer to a call is waited for.")
    escalate_minutes: float = Field(default=5.0, gt=0, description="A level 1 case that nobody has taken for this long raises an alert.")
    away_minutes: float = Field(default=10.0, gt=0, description="An officer not seen for this long gives an unanswered case back.")
    transfer_minutes: float = Field(default=10.0, gt=0, description="A case offered to an officer is in the queue again after this.")
    abandon_minutes: float = Field(default=10.0, gt=0, description="An intake form without an answer for this long is abandoned.")
    close_days: float = Field(default=7.0, gt=0, description="A resolved case is closed for good after this.")
    retention_days: float = Field(default=90.0, gt=0, description="A conversation without an open case is erased after this.")
    retention_web_days: float = Field(default=30.0, gt=0, description="The same, of a web conversation that never had a case.")
    alert_email: str | None = Field(default=None, description="Where alerts go by e-mail; needs SMTP_URL.")
    smtp_url: str | None = Field(default=None, description="smtp://user:password@host:port, or smtps://….")
    alert_webhook: str | None = Field(default=None, description="Where alerts are sent as JSON.")
    voice_model: Path | None = Field(default=None, description="Folder of a faster-whisper model; with it voice messages are understood.")
    voice_seconds: float = Field(default=60.0, gt=0, description="How long a voice message may take to be fetched or put into words.")
    oidc_issuer: str | None = Field(default=None, description="Console: OpenID Connect provider that officers may sign in with.")
    oidc_client_id: str | None = Field(default=None, description="Console: our id at the provider.")
    oidc_client_secret: str | None = Field(default=None, description="Console: our secret at the provider.")
    oidc_trust_mfa: str = Field(default="off", pattern="^(on|off)$", description="Console: the provider's second factor counts as ours.")
    demo: str = Field(default="off", pattern="^(on|off)$", description="Console: no second factor; on loopback only.")
    log_level: str = Field(default="INFO", description="Level of the service's own log lines.")

    @model_validator(mode="after")
    def _demo_stays_here(self) -> Self:
        """Without a second factor nobody from elsewhere may come in."""
        if self.demo == "on" and (self.public_url or self.host not in ("127.0.0.1", "::1", "localhost")):
            raise ValueError("DEMO=on works on loopback only: without PUBLIC_URL, HOST 127.0.0.1")
        return self

    @cached_property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'db' / 'orienta.db'}"

    @cached_property
    def keys_path(self) -> Path:
        return self.keys_file or self.data_dir / "keys" / "keys.json"

    @cached_property
    def beats_path(self) -> Path:
        return self.data_dir / "run" / "beats"

    @cached_property
    def url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"
