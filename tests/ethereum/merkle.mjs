// Checks eth_getProof's answers with a trie that is not ours: what a block's state root says of an account and its slots.
import assert from 'node:assert/strict'
import { MerklePatriciaTrie, verifyMPTWithMerkleProof } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { bytesToHex, hexToBytes, setLengthLeft } from '@ethereumjs/util'

const EMPTY_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421'
const EMPTY_CODE = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'

const number = (bytes) => (bytes.length ? BigInt(bytesToHex(bytes)) : 0n)
const word = (hex) => setLengthLeft(hexToBytes(`0x${BigInt(hex).toString(16).padStart(64, '0')}`), 32)

/** The value at a key under a root; null if the proof shows that there is none. A wrong proof throws. */
async function proven(root, key, proof) {
  if (root === EMPTY_ROOT && proof.length === 0) return null
  const trie = new MerklePatriciaTrie({ useKeyHashing: true })
  return verifyMPTWithMerkleProof(
    trie,
    hexToBytes(root),
    key,
    proof.map((node) => hexToBytes(node)),
  )
}

/** Verifies a proof against a state root; every field of the answer must be what is proven. */
export async function verifyProof(stateRoot, answer) {
  const encoded = await proven(stateRoot, hexToBytes(answer.address), answer.accountProof)
  const [nonce, balance, storage, code] = encoded
    ? RLP.decode(encoded)
    : [new Uint8Array(), new Uint8Array(), hexToBytes(EMPTY_ROOT), hexToBytes(EMPTY_CODE)]
  assert.equal(BigInt(answer.nonce), number(nonce), 'nonce')
  assert.equal(BigInt(answer.balance), number(balance), 'balance')
  assert.equal(answer.storageHash, bytesToHex(storage), 'storageHash')
  assert.equal(answer.codeHash, bytesToHex(code), 'codeHash')
  for (const slot of answer.storageProof) {
    const value = await proven(answer.storageHash, word(slot.key), slot.proof)
    assert.equal(BigInt(slot.value), value ? number(RLP.decode(value)) : 0n, `slot ${slot.key}`)
  }
  return encoded !== null
}

/** A verification that accepts anything would show nothing: each of these changes must be noticed. */
export async function refusesForgeries(stateRoot, answer) {
  const forged = [
    { ...answer, balance: `0x${(BigInt(answer.balance) + 1n).toString(16)}` },
    { ...answer, accountProof: answer.accountProof.slice(0, -1) },
    { ...answer, accountProof: answer.accountProof.map((node, i) => (i ? node : `${node.slice(0, -2)}00`)) },
    ...answer.storageProof.map((slot) => ({
      ...answer,
      storageProof: [{ ...slot, value: `0x${(BigInt(slot.value) + 1n).toString(16)}` }],
    })),
  ]
  for (const each of forged) await assert.rejects(verifyProof(stateRoot, each))
  const other = stateRoot.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
  await assert.rejects(verifyProof(other, answer))
}
