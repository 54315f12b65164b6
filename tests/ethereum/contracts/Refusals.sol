// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// Fails in every way in which a contract can, so that a client can say which it was.
contract Refusals {
    error NotToday(address who, uint256 day);

    uint256 public count;

    function custom(uint256 day) external {
        count += 1;
        revert NotToday(msg.sender, day);
    }

    function text() external {
        count += 1;
        require(count == 0, "not today");
    }

    function panic(uint256 divisor) external {
        count = 1 / divisor;
    }
}
