// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {IStaking} from "../src/IStaking.sol";
import {Staking} from "../src/Staking.sol";

/// @title A staking contract where a chain has it, with its genesis made
abstract contract StakingBase is Base {
    Staking internal constant staking = Staking(0x0000000000000000000000000000000000001001);
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    uint64 internal constant COIN = 1e9;

    /// @dev Predeploys have code and no constructor: exactly what a genesis file makes.
    function place() internal {
        vm.etch(address(staking), address(new Staking()).code);
    }

    /// @dev `count` genesis validators of `power` each.
    function start(uint256 count, uint64 power) internal {
        place();
        vm.roll(0);
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = founders(count, power);
        vm.prank(SYSTEM);
        staking.genesis(operators, keys, powers);
        vm.roll(10);
    }

    function founders(uint256 count, uint64 power)
        internal
        pure
        returns (address[] memory operators, bytes32[] memory keys, uint64[] memory powers)
    {
        operators = new address[](count);
        keys = new bytes32[](count);
        powers = new uint64[](count);
        for (uint256 i; i < count; ++i) {
            (operators[i], keys[i], powers[i]) = (founder(i), key(founder(i)), power);
        }
    }

    /// @dev Addresses in no order, so that sorting is put to work.
    function founder(uint256 i) internal pure returns (address) {
        return address(bytes20(keccak256(abi.encode("founder", i))));
    }

    function joiner(uint256 i) internal pure returns (address) {
        return address(bytes20(keccak256(abi.encode("joiner", i))));
    }

    function key(address operator) internal pure returns (bytes32) {
        return keccak256(abi.encode("key", operator));
    }

    function join(address operator, uint256 stake) internal {
        vm.deal(operator, operator.balance + stake);
        vm.prank(operator);
        staking.join{value: stake}(key(operator));
    }

    function leave(address operator) internal {
        vm.prank(operator);
        staking.leave();
    }

    function slash(address operator, uint64 height) internal {
        vm.prank(SYSTEM);
        staking.slash(operator, height);
    }

    function powerOf(address operator) internal view returns (uint64) {
        return staking.validator(operator).power;
    }

    function stateOf(address operator) internal view returns (IStaking.State) {
        return staking.validator(operator).state;
    }

    function isState(address operator, IStaking.State state, string memory what) internal view {
        eq(uint256(stateOf(operator)), uint256(state), what);
    }

    function size() internal view returns (uint256) {
        (address[] memory operators,,) = staking.validators();
        return operators.length;
    }

    function total() internal view returns (uint256 sum) {
        (,, uint64[] memory powers) = staking.validators();
        for (uint256 i; i < powers.length; ++i) {
            sum += powers[i];
        }
    }

    /// @dev Everything that must hold of the set at any time.
    function checkSet() internal view {
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = staking.validators();
        yes(operators.length > 0, "set is empty");
        yes(operators.length <= 100, "set is too large");
        eq(operators.length, keys.length, "keys");
        eq(operators.length, powers.length, "powers");
        uint256 sum;
        for (uint256 i; i < operators.length; ++i) {
            if (i > 0) yes(operators[i - 1] < operators[i], "not sorted or twice");
            yes(powers[i] > 0 && powers[i] <= staking.MAX_POWER(), "power out of bounds");
            eq(staking.keyOwner(keys[i]), operators[i], "key of another");
            sum += powers[i];
        }
        yes(sum <= 1e18, "total power out of bounds");
        yes(sum >= staking.MIN_POWER(), "total power below the least");
    }

    /// @dev The power that changed between two sets, and the total of the first.
    function churn(address[] memory a, uint64[] memory pa, address[] memory b, uint64[] memory pb)
        internal
        pure
        returns (uint256 changed, uint256 before)
    {
        uint256 j;
        for (uint256 i; i < a.length; ++i) {
            before += pa[i];
            while (j < b.length && b[j] < a[i]) changed += pb[j++];
            if (j < b.length && b[j] == a[i]) {
                changed += pa[i] > pb[j] ? pa[i] - pb[j] : pb[j] - pa[i];
                ++j;
            } else {
                changed += pa[i];
            }
        }
        while (j < b.length) changed += pb[j++];
    }
}
