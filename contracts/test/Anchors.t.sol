// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {Anchors} from "../src/Anchors.sol";

/// @title Anchors: first sight, and proofs of batches
contract AnchorsTest is Base {
    Anchors private _anchors;

    function setUp() external {
        _anchors = new Anchors();
    }

    function _leaf(bytes32 hash) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(hash))));
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    /// @dev Root and proof of one leaf, layer by layer; an odd one goes up alone.
    function _tree(bytes32[] memory hashes, uint256 index) private pure returns (bytes32 root, bytes32[] memory proof) {
        bytes32[] memory layer = new bytes32[](hashes.length);
        for (uint256 i; i < hashes.length; ++i) {
            layer[i] = _leaf(hashes[i]);
        }
        bytes32[] memory path = new bytes32[](32);
        uint256 depth;
        while (layer.length > 1) {
            if (index ^ 1 < layer.length) path[depth++] = layer[index ^ 1];
            bytes32[] memory next = new bytes32[]((layer.length + 1) / 2);
            for (uint256 i; i < next.length; ++i) {
                next[i] = 2 * i + 1 < layer.length ? _pair(layer[2 * i], layer[2 * i + 1]) : layer[2 * i];
            }
            (layer, index) = (next, index / 2);
        }
        proof = new bytes32[](depth);
        for (uint256 i; i < depth; ++i) {
            proof[i] = path[i];
        }
        root = layer[0];
    }

    function test_firstSightStays() external {
        bytes32 hash = keccak256("document");
        (uint64 number, uint64 time) = _anchors.anchoredAt(hash);
        eq(number, 0, "not seen");
        vm.expectEmit(true, true, true, true);
        emit Anchors.Anchored(hash, address(this), true);
        _anchors.anchor(hash);
        (uint256 at, uint256 when) = (block.number, block.timestamp);
        mine(100, 1000);
        vm.expectEmit(true, true, true, true);
        emit Anchors.Anchored(hash, address(7), false);
        vm.prank(address(7));
        _anchors.anchor(hash);
        (number, time) = _anchors.anchoredAt(hash);
        eq(number, at, "block");
        eq(time, when, "time");
    }

    function test_refuses() external {
        vm.expectRevert(Anchors.ZeroHash.selector);
        _anchors.anchor(0);
        vm.expectRevert(Anchors.ZeroHash.selector);
        _anchors.anchorBatch(0, 1);
        vm.expectRevert(Anchors.EmptyBatch.selector);
        _anchors.anchorBatch(keccak256("root"), 0);
        vm.expectRevert(abi.encodeWithSelector(Anchors.ProofTooLong.selector, 33));
        _anchors.verify(keccak256("root"), keccak256("leaf"), new bytes32[](33));
    }

    /// @dev Every leaf of a batch is proven; another leaf, a proof one bit off, a root not anchored are not.
    function testFuzz_batch(bytes32 seed, uint16 count, uint16 index, uint256 bit) external {
        uint256 leaves = bound(count, 1, 40);
        uint256 at = index % leaves;
        bytes32[] memory hashes = new bytes32[](leaves);
        for (uint256 i; i < leaves; ++i) {
            hashes[i] = keccak256(abi.encode(seed, i));
        }
        (bytes32 root, bytes32[] memory proof) = _tree(hashes, at);
        yes(!_anchors.verify(root, hashes[at], proof), "root is not anchored yet");
        vm.expectEmit(true, true, true, true);
        // forge-lint: disable-next-line(unsafe-typecast)
        emit Anchors.BatchAnchored(root, address(this), uint32(leaves), true);
        // forge-lint: disable-next-line(unsafe-typecast)
        _anchors.anchorBatch(root, uint32(leaves));
        yes(_anchors.verify(root, hashes[at], proof), "leaf is proven");
        yes(!_anchors.verify(root, keccak256("other"), proof), "another leaf");
        if (proof.length > 0) {
            uint256 place = bit % proof.length;
            proof[place] ^= bytes32(1 << (bit % 256));
            yes(!_anchors.verify(root, hashes[at], proof), "proof one bit off");
        }
    }

    /// @dev An inner node is no leaf: that is what hashing twice is for.
    function test_innerNodeIsNoLeaf() external {
        bytes32[] memory hashes = new bytes32[](4);
        for (uint256 i; i < 4; ++i) {
            hashes[i] = keccak256(abi.encode(i));
        }
        (bytes32 root, bytes32[] memory proof) = _tree(hashes, 0);
        _anchors.anchorBatch(root, 4);
        bytes32[] memory shorter = new bytes32[](1);
        shorter[0] = proof[1];
        yes(!_anchors.verify(root, _pair(_leaf(hashes[0]), _leaf(hashes[1])), shorter), "inner node passed");
        yes(!_anchors.verify(root, root, new bytes32[](0)), "root passed for a leaf");
    }

    /// @dev OpenZeppelin's StandardMerkleTree.of([[keccak256("a")],[keccak256("b")]], ["bytes32"]) as worked out by hand.
    function test_standardTreeOfTwo() external {
        (bytes32 a, bytes32 b) = (keccak256("a"), keccak256("b"));
        bytes32 root =
            _pair(keccak256(abi.encode(keccak256(abi.encode(a)))), keccak256(abi.encode(keccak256(abi.encode(b)))));
        _anchors.anchor(root);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = keccak256(abi.encode(keccak256(abi.encode(b))));
        yes(_anchors.verify(root, a, proof), "a root anchored alone is a root");
    }
}
