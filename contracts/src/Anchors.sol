// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @title When a hash was first seen
/// @notice A predeploy at 0x0000000000000000000000000000000000001003. Whoever knows a document can prove later that it
/// existed at a block: its hash was anchored alone, or was a leaf of an anchored Merkle root. Who anchored is in the
/// events; stored is only the first block and second.
/// @dev Trees are those of OpenZeppelin's StandardMerkleTree with leaves of one `bytes32`: a leaf is hashed twice
/// (`keccak256(keccak256(abi.encode(hash)))`), so no inner node can pass for one, and pairs are sorted.
contract Anchors {
    /// @notice First sight of a hash.
    /// @param blockNumber the block, zero if never
    /// @param timestamp its time in seconds
    struct Seen {
        uint64 blockNumber;
        uint64 timestamp;
    }

    /// @notice Most levels of a tree: a batch counts its leaves in 32 bits.
    uint256 public constant MAX_DEPTH = 32;

    /// @notice When a hash or a batch's root was first seen; zeros if never.
    mapping(bytes32 hash => Seen) public anchoredAt;

    /// @notice `sender` anchored `hash`; `first` if it was not known before.
    event Anchored(bytes32 indexed hash, address indexed sender, bool first);
    /// @notice `sender` anchored the root of a tree that it says has `count` leaves.
    event BatchAnchored(bytes32 indexed root, address indexed sender, uint32 count, bool first);

    /// @notice Zero is no hash.
    error ZeroHash();
    /// @notice A batch has at least one leaf.
    error EmptyBatch();
    /// @notice A proof longer than MAX_DEPTH.
    error ProofTooLong(uint256 length);

    /// @notice Anchors one hash. One that is known already keeps its first block; the event tells of the sender all the same.
    function anchor(bytes32 hash) external {
        emit Anchored(hash, msg.sender, _see(hash));
    }

    /// @notice Anchors the root of a Merkle tree over `count` hashes; `count` is for readers of the event, not proven.
    function anchorBatch(bytes32 root, uint32 count) external {
        if (count == 0) revert EmptyBatch();
        emit BatchAnchored(root, msg.sender, count, _see(root));
    }

    /// @notice Whether `root` is anchored and `leaf` is one of the hashes below it.
    /// @param root an anchored root
    /// @param leaf the hash that was put into the tree (not yet hashed again)
    /// @param proof the neighbours from leaf to root
    function verify(bytes32 root, bytes32 leaf, bytes32[] calldata proof) external view returns (bool) {
        if (proof.length > MAX_DEPTH) revert ProofTooLong(proof.length);
        if (anchoredAt[root].blockNumber == 0) return false;
        return MerkleProof.verifyCalldata(proof, root, keccak256(bytes.concat(keccak256(abi.encode(leaf)))));
    }

    function _see(bytes32 hash) private returns (bool first) {
        if (hash == 0) revert ZeroHash();
        first = anchoredAt[hash].blockNumber == 0;
        if (first) anchoredAt[hash] = Seen(uint64(block.number), uint64(block.timestamp));
    }
}
