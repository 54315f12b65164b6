// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StakingBase} from "./StakingBase.sol";
import {IStaking} from "../src/IStaking.sol";
import {PowerSchedule} from "../src/PowerSchedule.sol";

/// @title Staking: how the set moves, and what a full one costs
contract StakingSetTest is StakingBase {
    /// @dev Follows the set for some blocks: what a light client sees between neighbours.
    function follow(uint256 blocks) private returns (uint256 needed) {
        for (uint256 n; n < blocks; ++n) {
            (address[] memory a,, uint64[] memory pa) = staking.validators();
            mine(1);
            checkSet();
            (address[] memory b,, uint64[] memory pb) = staking.validators();
            (uint256 changed, uint256 before) = churn(a, pa, b, pb);
            yes(3 * changed < before, "a third or more of the power changed in a block");
            if (changed != 0) needed = n + 1;
        }
    }

    function test_oneOfFourGoesInOneBlock() external {
        start(4, COIN);
        leave(founder(0));
        eq(size(), 3, "size");
        eq(follow(3), 0, "nothing moves later");
    }

    /// @dev Where genesis is made in block 1, the set of that block is the founders', whoever else was quick.
    function test_joinInTheBlockOfGenesis() external {
        place();
        vm.roll(1);
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = founders(4, COIN);
        vm.prank(SYSTEM);
        staking.genesis(operators, keys, powers);
        join(joiner(0), 1 ether);
        eq(size(), 4, "in the block of genesis");
        mine(1);
        eq(size(), 5, "one later");
        eq(total(), 5 * uint256(COIN), "one later");
    }

    function test_oneOfThreeTakesTwoBlocks() external {
        start(3, COIN);
        leave(founder(0));
        eq(size(), 3, "a third may not go at once");
        eq(powerOf(founder(0)), COIN / 10, "nine tenths of it may");
        eq(follow(5), 1, "the rest goes next");
        eq(size(), 2, "size");
    }

    function test_aWhaleComesAndGoesStepByStep() external {
        start(4, COIN);
        join(joiner(0), 10_000_000 ether);
        uint256 up = follow(120);
        yes(up > 40 && up < 70, "blocks to grow two and a half million times");
        eq(powerOf(joiner(0)), 1e16, "all of it");
        leave(joiner(0));
        uint256 down = follow(120);
        yes(down > 30 && down < 70, "blocks to shrink back");
        eq(powerOf(joiner(0)), 0, "none of it");
        eq(total(), 4 * uint256(COIN), "as before");
    }

    function test_changesInOneBlockShareItsChurn() external {
        start(4, COIN);
        (address[] memory a,, uint64[] memory pa) = staking.validators();
        mine(1);
        leave(founder(0));
        leave(founder(1));
        join(joiner(0), 5 ether);
        slash(founder(2), 3);
        (address[] memory b,, uint64[] memory pb) = staking.validators();
        (uint256 changed, uint256 before) = churn(a, pa, b, pb);
        yes(changed > 0 && 3 * changed < before, "shared");
        follow(50);
        eq(size(), 2, "in the end");
        eq(total(), 6 * uint256(COIN), "in the end");
    }

    /// @dev The rounding at the smallest total: one validator at MIN_POWER, and the largest number of others coming.
    function test_churnFromTheSmallestTotal() external {
        start(1, COIN);
        for (uint64 i; i < 200; ++i) {
            mine(1);
            slash(founder(0), uint64(block.number));
        }
        eq(total(), staking.MIN_POWER(), "smallest");
        for (uint256 i; i < 99; ++i) {
            join(joiner(i), 1 ether + i * 7 gwei);
        }
        checkSet();
        yes(follow(100) > 30, "blocks");
        eq(size(), 100, "size");
    }

    /// @dev Any movement, whatever its shape: bounded each block, complete in the end, and cheap to compute.
    function testFuzz_schedule(uint64[8] memory from, uint64[8] memory to, uint8 shape) external view {
        PowerSchedule.Schedule memory schedule;
        for (uint256 i; i < 8; ++i) {
            // Some of each: tiny, huge, absent.
            uint256 high = (shape >> i) & 1 == 0 ? 1e7 : 1e16;
            from[i] = from[i] % 3 == 0 && i > 0 ? 0 : uint64(bound(from[i], 1e6, high));
            to[i] = to[i] % 3 == 0 && i < 7 ? 0 : uint64(bound(to[i], 1e6, high));
            schedule.sumFrom += from[i];
            schedule.sumTo += to[i];
            schedule.distance += PowerSchedule.gap(from[i], to[i]);
        }
        uint64[8] memory now_;
        for (uint256 i; i < 8; ++i) {
            now_[i] = from[i];
        }
        uint256 height;
        uint256 done;
        while (done != PowerSchedule.ONE) {
            ++height;
            yes(height <= 200, "takes too long");
            uint256 spent = gasleft();
            done = PowerSchedule.progress(schedule, height);
            yes(spent - gasleft() < 200_000, "costs too much");
            uint256 before;
            uint256 changed;
            for (uint256 i; i < 8; ++i) {
                uint64 next = PowerSchedule.powerAt(from[i], to[i], done);
                before += now_[i];
                changed += PowerSchedule.gap(now_[i], next);
                now_[i] = next;
            }
            yes(3 * changed < before, "too much churn");
        }
        for (uint256 i; i < 8; ++i) {
            eq(now_[i], to[i], "not there");
        }
    }

    function test_fullSet() external {
        start(100, 2 * COIN);
        address small = joiner(0);
        join(small, 2 ether);
        isState(small, IStaking.State.Standby, "no place, and no more power than anyone");
        eq(staking.totalBonded(), 2 ether, "bonded all the same");
        vm.expectRevert(abi.encodeWithSelector(IStaking.NotEnoughPower.selector, 2 * COIN, 2 * COIN));
        staking.promote(small);

        address big = joiner(1);
        join(big, 3 ether);
        isState(big, IStaking.State.Standby, "state");
        vm.expectEmit(false, true, true, true);
        emit IStaking.Displaced(_first(), big);
        staking.promote(big);
        isState(_firstOf(100), IStaking.State.Standby, "displaced");
        eq(size(), 99, "one place is cleared");
        vm.expectRevert(IStaking.PlaceNotFree.selector);
        staking.promote(big);
        mine(1);
        vm.expectRevert(IStaking.PlaceNotFree.selector);
        staking.promote(small);
        address sniper = joiner(2);
        join(sniper, 9 ether);
        isState(sniper, IStaking.State.Standby, "the place is kept");
        staking.promote(big);
        isState(big, IStaking.State.Active, "in");
        eq(size(), 100, "full again");
        checkSet();
        mine(1);
        eq(powerOf(big), 3 * COIN, "power");
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongState.selector, IStaking.State.Active));
        staking.promote(big);
    }

    function _first() private view returns (address) {
        (address[] memory operators,,) = staking.validators();
        return operators[0];
    }

    /// @dev The genesis validator with the lowest address.
    function _firstOf(uint256 count) private pure returns (address lowest) {
        lowest = founder(0);
        for (uint256 i = 1; i < count; ++i) {
            if (founder(i) < lowest) lowest = founder(i);
        }
    }

    function test_aPlaceThatNobodyClaimsGetsFree() external {
        start(100, 2 * COIN);
        address out = _firstOf(100);
        join(joiner(1), 3 ether);
        staking.promote(joiner(1));
        vm.expectRevert(IStaking.PlaceNotFree.selector);
        staking.promote(out);
        mine(100, 100);
        vm.expectRevert(IStaking.PlaceNotFree.selector);
        staking.promote(out);
        mine(156, 156);
        staking.promote(out);
        isState(out, IStaking.State.Active, "back");
        checkSet();
    }

    function test_aPlaceFreedByLeavingIsTaken() external {
        start(100, 2 * COIN);
        join(joiner(0), 1 ether);
        leave(founder(5));
        vm.expectRevert(IStaking.PlaceNotFree.selector);
        staking.promote(joiner(0));
        mine(1);
        staking.promote(joiner(0));
        eq(size(), 100, "full");
        eq(powerOf(joiner(0)), COIN, "power");
        // One who stands by can leave, too.
        join(joiner(1), 1 ether);
        leave(joiner(1));
        isState(joiner(1), IStaking.State.Leaving, "state");
        eq(staking.totalUnbonding(), 1 ether, "unbonding");
    }

    /// @dev Costs of a full set: `validators()` runs after each block, so its bound is a bound of the chain.
    function test_gasOfAFullSet() external {
        start(100, COIN);
        mine(1);
        // Storage as a call finds it that is the first to touch it.
        vm.cool(address(staking));
        uint256 gas = gasleft();
        staking.validators();
        gas -= gasleft();
        yes(gas < 1_000_000, vm.toString(gas));

        // In the middle of a long movement.
        vm.deal(founder(0), 10_000_000 ether);
        vm.prank(founder(0));
        staking.addStake{value: 10_000_000 ether}();
        mine(30, 30);
        vm.cool(address(staking));
        gas = gasleft();
        staking.validators();
        gas -= gasleft();
        yes(gas < 1_000_000, vm.toString(gas));

        // The dearest change: all powers are written anew.
        for (uint256 i = 1; i < 100; ++i) {
            vm.deal(founder(i), 1 ether);
            vm.prank(founder(i));
            staking.addStake{value: 1 ether}();
        }
        mine(1);
        vm.cool(address(staking));
        gas = gasleft();
        leave(founder(7));
        gas -= gasleft();
        yes(gas < 1_500_000, vm.toString(gas));
    }
}
