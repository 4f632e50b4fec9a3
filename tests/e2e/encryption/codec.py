"""A codec in the layout of Temporal's samples, written for this test from its description.

A payload becomes one with `encoding: binary/encrypted` and `encryption-key-id`, whose data is a
nonce of 12 bytes and then the serialized payload under AES-256-GCM, the tag at its end.
"""

import base64
import os
from collections.abc import Iterable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    PayloadCodec,
)

NONCE_BYTES = 12


class EncryptionCodec(PayloadCodec):
    def __init__(self, keys: str) -> None:
        pairs = [pair.split("=", 1) for pair in keys.split(",")]
        self.keys = {
            name.encode(): AESGCM(bytes.fromhex(key) if len(key) == 64 else base64.b64decode(key))
            for name, key in pairs
        }
        self.newest = pairs[0][0].encode()

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        return [self.seal(payload) for payload in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        return [self.open(payload) for payload in payloads]

    def seal(self, payload: Payload) -> Payload:
        nonce = os.urandom(NONCE_BYTES)
        text = self.keys[self.newest].encrypt(nonce, payload.SerializeToString(), None)
        return Payload(
            metadata={"encoding": b"binary/encrypted", "encryption-key-id": self.newest},
            data=nonce + text,
        )

    def open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != b"binary/encrypted":
            return payload
        key = self.keys[payload.metadata["encryption-key-id"]]
        nonce, text = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        return Payload.FromString(key.decrypt(nonce, text, None))


def data_converter() -> DataConverter:
    return DataConverter(
        payload_converter_class=DefaultPayloadConverter,
        payload_codec=EncryptionCodec(os.environ["KEYS"]),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
