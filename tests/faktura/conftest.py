from .mail_servers import mail_server, scripted_server, silent_server

__all__ = ["mail_server", "scripted_server", "silent_server"]
