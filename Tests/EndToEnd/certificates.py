"""Certificates for tests, made with PyPI's cryptography: an authority and what it signs, as PEM files."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def new_key(kind="ec"):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key, passphrase=None):
    encryption = (
        serialization.BestAvailableEncryption(passphrase) if passphrase
        else serialization.NoEncryption())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Pair:
    """A certificate and its key, as files; `cert` holds the chain."""

    def __init__(self, folder, name, chain, key, passphrase=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = chain[0]
        self.cert = str(folder / f"{name}.crt")
        self.key = str(folder / f"{name}.key")
        with open(self.cert, "wb") as file:
            for certificate in chain:
                file.write(certificate.public_bytes(serialization.Encoding.PEM))
        with open(self.key, "wb") as file:
            file.write(key_pem(key, passphrase))

    @property
    def expires(self):
        return self.certificate.not_valid_after_utc.timestamp()


class Authority:
    """Signs certificates; `cert` is its own, as a file. With a parent it is an intermediate one."""

    def __init__(self, folder, name="Test authority", parent=None):
        self.folder, self.parent = folder, parent
        self.private_key = new_key()
        self.name = named(name)
        builder = self._builder(self.name, self.private_key, now() - DAY, now() + 30 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        signer = parent.private_key if parent else self.private_key
        self.certificate = builder.issuer_name(parent.name if parent else self.name).sign(
            signer, hashes.SHA256())
        folder.mkdir(parents=True, exist_ok=True)
        self.cert = str(folder / f"{name.replace(' ', '-')}.crt")
        with open(self.cert, "wb") as file:
            file.write(self.certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _builder(name, key, start, end):
        return (
            x509.CertificateBuilder().subject_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(start)
            .not_valid_after(end))

    def issue(self, name, client=False, kind="ec", days=(-1, 20), passphrase=None, usage=None):
        """A pair for a server at the loopback, or for a client; valid between two days from now."""
        key = new_key(kind)
        builder = self._builder(named(name), key, now() + days[0] * DAY, now() + days[1] * DAY)
        wanted = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage or wanted]), False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.private_key.public_key()),
            False)
        if not client:
            builder = builder.add_extension(x509.SubjectAlternativeName([
                x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                False)
        certificate = builder.issuer_name(self.name).sign(self.private_key, hashes.SHA256())
        chain = [certificate] + ([self.certificate] if self.parent else [])
        return Pair(self.folder, name, chain, key, passphrase)
