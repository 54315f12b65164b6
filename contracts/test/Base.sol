// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The cheatcodes these tests use, as forge answers them.
interface Vm {
    function assume(bool condition) external pure;
    function chainId(uint256 id) external;
    function cool(address target) external;
    function deal(address account, uint256 balance) external;
    function etch(address target, bytes calldata code) external;
    function expectEmit(bool topic1, bool topic2, bool topic3, bool data) external;
    function expectRevert(bytes4 selector) external;
    function expectRevert(bytes calldata data) external;
    function prank(address sender) external;
    function roll(uint256 number) external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 key) external pure returns (address);
    function warp(uint256 timestamp) external;
    function toString(uint256 value) external pure returns (string memory);
}

/// @title What every test here stands on, in place of a library of a thousand lines
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Two values that should have been equal.
    error NotEqual(string what, bytes32 left, bytes32 right);
    /// @dev A condition that should have held.
    error NotTrue(string what);

    function eq(uint256 a, uint256 b, string memory what) internal pure {
        if (a != b) revert NotEqual(what, bytes32(a), bytes32(b));
    }

    function eq(address a, address b, string memory what) internal pure {
        eq(uint160(a), uint160(b), what);
    }

    function eq(bytes32 a, bytes32 b, string memory what) internal pure {
        if (a != b) revert NotEqual(what, a, b);
    }

    function eq(string memory a, string memory b, string memory what) internal pure {
        eq(keccak256(bytes(a)), keccak256(bytes(b)), what);
    }

    function yes(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    /// @dev A value into low..high, evenly enough.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }

    /// @dev One block later, `seconds_` later.
    function mine(uint256 seconds_) internal {
        mine(1, seconds_);
    }

    function mine(uint256 blocks, uint256 seconds_) internal {
        vm.roll(block.number + blocks);
        vm.warp(block.timestamp + seconds_);
    }
}
