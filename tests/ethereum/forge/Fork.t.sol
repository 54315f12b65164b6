// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Coin} from "../contracts/Coin.sol";

interface Cheats {
    function envAddress(string calldata name) external view returns (address);
    function envUint(string calldata name) external view returns (uint256);
    function prank(address sender) external;
    function rollFork(uint256 height) external;
}

/// Runs on a copy of the ledger that forge reads piece by piece.
contract ForkTest {
    Cheats private constant vm = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));
    Coin private coin = Coin(vm.envAddress("WEFT_COIN"));
    address private owner = vm.envAddress("WEFT_OWNER");

    function test_what_is_on_the_ledger_can_be_used() external {
        uint256 held = coin.balanceOf(owner);
        require(held == 90, "the ledger says something else");
        vm.prank(owner);
        require(coin.transfer(address(0xbeef), 40), "not transferred");
        require(coin.balanceOf(owner) == 50, "not moved");
    }

    function test_the_past_is_there() external {
        vm.rollFork(vm.envUint("WEFT_HEIGHT"));
        require(coin.balanceOf(owner) == 100, "not as it was");
        vm.rollFork(vm.envUint("WEFT_HEIGHT") - 1);
        require(address(coin).code.length == 0, "there too early");
    }

    /// Expected to fail: a suite that cannot fail shows nothing.
    function test_wrong() external view {
        require(coin.balanceOf(owner) == 91, "91 are not there");
    }
}
