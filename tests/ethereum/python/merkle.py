"""Checks eth_getProof's answers with py-trie: what a block's state root says of an account and its slots."""

import rlp
from eth_utils import keccak
from trie import HexaryTrie
from trie.constants import BLANK_NODE_HASH

EMPTY_CODE = keccak(b"")


def _number(data):
    return int.from_bytes(data, "big")


def _proven(root, key, proof):
    if bytes(root) == BLANK_NODE_HASH and not proof:
        return b""
    nodes = [rlp.decode(bytes(node)) for node in proof]
    return HexaryTrie.get_from_proof(bytes(root), keccak(key), nodes)


def verify(state_root, answer):
    """Raises if a field of the answer is not what is proven; returns whether there is such an account."""
    encoded = _proven(state_root, bytes.fromhex(answer.address[2:]), answer.accountProof)
    fields = rlp.decode(encoded) if encoded else [b"", b"", BLANK_NODE_HASH, EMPTY_CODE]
    told = [answer.nonce, answer.balance, bytes(answer.storageHash), bytes(answer.codeHash)]
    proven = [_number(fields[0]), _number(fields[1]), fields[2], fields[3]]
    assert told == proven, f"told {told}, proven {proven}"
    for slot in answer.storageProof:
        value = _proven(answer.storageHash, _number(slot.key).to_bytes(32, "big"), slot.proof)
        proven_value = _number(rlp.decode(value)) if value else 0
        assert _number(slot.value) == proven_value, (
            f"slot {slot.key.hex()}: told {slot.value.hex()}, proven {proven_value}"
        )
    return bool(encoded)
