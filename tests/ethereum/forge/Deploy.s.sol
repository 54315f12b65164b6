// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Coin} from "../contracts/Coin.sol";

interface Vm {
    function envUint(string calldata name) external view returns (uint256);
    function envAddress(string calldata name) external view returns (address);
    function addr(uint256 key) external pure returns (address);
    function startBroadcast(uint256 key) external;
    function stopBroadcast() external;
}

/// Deploys twice, the second time through the deterministic deployer, and transfers: four transactions, in this order.
contract Deploy {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_SCRIPT = true;

    function run() external returns (Coin plain, Coin salted) {
        uint256 key = vm.envUint("WEFT_KEY");
        address friend = vm.envAddress("WEFT_FRIEND");
        vm.startBroadcast(key);
        plain = new Coin("Loaf", "LOAF", 1000 ether);
        salted = new Coin{salt: bytes32(vm.envUint("WEFT_SALT"))}("Roll", "ROLL", 1000 ether);
        require(plain.transfer(friend, 10 ether), "not transferred");
        payable(friend).transfer(1 gwei);
        vm.stopBroadcast();
        require(plain.balanceOf(vm.addr(key)) == 990 ether, "not what was deployed");
    }
}
