// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StakingBase} from "./StakingBase.sol";
import {IStaking} from "../src/IStaking.sol";
import {Staking} from "../src/Staking.sol";

/// @dev A validator whose account is a contract that calls back when it is paid.
contract Greedy {
    Staking private immutable _STAKING;
    uint256 public calls;

    constructor(Staking staking_) {
        _STAKING = staking_;
    }

    function run(bytes calldata data, uint256 value) external {
        (bool done,) = address(_STAKING).call{value: value}(data);
        require(done, "call failed");
    }

    receive() external payable {
        ++calls;
        (bool done,) = address(_STAKING).call(abi.encodeCall(IStaking.withdraw, ()));
        require(!done, "paid twice");
    }
}

/// @title Staking: what each call does and refuses
contract StakingTest is StakingBase {
    address private immutable _A = joiner(1);

    function setUp() external {
        start(4, COIN);
    }

    function test_genesisSetIsSortedAndComplete() external view {
        checkSet();
        eq(size(), 4, "size");
        eq(total(), 4 * uint256(COIN), "total");
        eq(staking.targetPower(), 4 * uint256(COIN), "target");
        (address[] memory operators, bytes32[] memory keys,) = staking.validators();
        for (uint256 i; i < 4; ++i) {
            eq(keys[i], key(operators[i]), "key");
        }
        (uint128 minStake, uint32 blocks, uint32 time, uint32 jail) = staking.parameters();
        yes(minStake == 1 ether && blocks == 10_000 && time == 7 days && jail == 1 days, "defaults");
    }

    function test_genesisOnlyOnceBySystemAndEarly() external {
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = founders(2, COIN);
        vm.expectRevert(IStaking.OnlySystem.selector);
        staking.genesis(operators, keys, powers);
        vm.expectRevert(IStaking.GenesisDone.selector);
        vm.prank(SYSTEM);
        staking.genesis(operators, keys, powers);

        Staking other = new Staking();
        vm.expectRevert(IStaking.GenesisTooLate.selector);
        vm.prank(SYSTEM);
        other.genesis(operators, keys, powers);
        vm.roll(1);
        vm.prank(SYSTEM);
        other.genesis(operators, keys, powers);
        vm.expectRevert(IStaking.GenesisDone.selector);
        vm.prank(SYSTEM);
        other.configure(2 ether, 1, 1, 1);
    }

    function test_genesisRefusesBadLists() external {
        Staking other = new Staking();
        vm.roll(0);
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = founders(2, COIN);
        _refused(other, operators, keys, new uint64[](1), IStaking.BadGenesis.selector);
        _refused(other, operators, new bytes32[](3), powers, IStaking.BadGenesis.selector);
        _refused(other, new address[](0), new bytes32[](0), new uint64[](0), IStaking.BadGenesis.selector);
        _refused(other, new address[](101), new bytes32[](101), new uint64[](101), IStaking.BadGenesis.selector);
        powers[1] = COIN - 1;
        _refused(other, operators, keys, powers, abi.encodeWithSelector(IStaking.BadPower.selector, COIN - 1));
        powers[1] = 1e16 + 1;
        _refused(other, operators, keys, powers, abi.encodeWithSelector(IStaking.BadPower.selector, 1e16 + 1));
        powers[1] = COIN;
        bytes32 second = keys[1];
        keys[1] = keys[0];
        _refused(other, operators, keys, powers, abi.encodeWithSelector(IStaking.KeyTaken.selector, operators[0]));
        keys[1] = 0;
        _refused(other, operators, keys, powers, IStaking.ZeroKey.selector);
        keys[1] = second;
        operators[1] = operators[0];
        _refused(other, operators, keys, powers, abi.encodeWithSelector(IStaking.WrongState.selector, 1));
        operators[1] = address(0);
        _refused(other, operators, keys, powers, IStaking.ZeroKey.selector);
    }

    function _refused(Staking other, address[] memory o, bytes32[] memory k, uint64[] memory p, bytes4 why) private {
        _refused(other, o, k, p, abi.encodeWithSelector(why));
    }

    function _refused(Staking other, address[] memory o, bytes32[] memory k, uint64[] memory p, bytes memory why)
        private
    {
        vm.expectRevert(why);
        vm.prank(SYSTEM);
        other.genesis(o, k, p);
    }

    function test_nothingBeforeGenesis() external {
        Staking other = new Staking();
        vm.expectRevert(IStaking.NoGenesis.selector);
        other.join{value: 1 ether}(bytes32(uint256(1)));
        (address[] memory operators,,) = other.validators();
        eq(operators.length, 0, "set before genesis");
    }

    function test_configure() external {
        Staking other = new Staking();
        vm.expectRevert(IStaking.OnlySystem.selector);
        other.configure(1 ether, 1, 1, 1);
        vm.expectRevert(IStaking.BadParameters.selector);
        vm.prank(SYSTEM);
        other.configure(1e15 - 1, 1, 1, 1);
        vm.expectRevert(IStaking.BadParameters.selector);
        vm.prank(SYSTEM);
        other.configure(1 ether, 0, 1, 1);
        vm.prank(SYSTEM);
        other.configure(32 ether, 5, 6, 7);
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = founders(2, COIN);
        vm.roll(0);
        vm.prank(SYSTEM);
        other.genesis(operators, keys, powers);
        (uint128 minStake, uint32 blocks, uint32 time, uint32 jail) = other.parameters();
        yes(minStake == 32 ether && blocks == 5 && time == 6 && jail == 7, "parameters");
    }

    function test_closedNetwork() external {
        vm.etch(address(staking), "");
        Staking other = new Staking();
        vm.prank(SYSTEM);
        other.configure(type(uint128).max, 1, 1, 1);
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = founders(2, COIN);
        vm.roll(0);
        vm.prank(SYSTEM);
        other.genesis(operators, keys, powers);
        vm.roll(5);
        vm.deal(_A, 100 ether);
        vm.expectRevert(IStaking.Closed.selector);
        vm.prank(_A);
        other.join{value: 100 ether}(key(_A));
        vm.deal(operators[0], 100 ether);
        vm.expectRevert(IStaking.Closed.selector);
        vm.prank(operators[0]);
        other.addStake{value: 1 ether}();
        // Genesis validators come back from jail without any stake.
        vm.prank(SYSTEM);
        other.slash(operators[0], 5);
        mine(2);
        vm.prank(operators[0]);
        other.unjail();
        eq(other.validator(operators[0]).target, COIN - COIN / 20, "after jail");
    }

    function test_joinTakesPartInTheNextBlock() external {
        vm.expectEmit(true, true, true, true);
        emit IStaking.Joined(_A, key(_A), 1 ether);
        join(_A, 1 ether);
        checkSet();
        eq(size(), 5, "size");
        eq(powerOf(_A), COIN, "power: a fourth of the total moves in one block");
        eq(address(staking).balance, 1 ether, "balance");
        eq(staking.totalBonded(), 1 ether, "bonded");
        isState(_A, IStaking.State.Active, "state");
    }

    function test_joinRefuses() external {
        vm.deal(_A, 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakeTooLow.selector, 1 ether - 1, 1 ether));
        vm.prank(_A);
        staking.join{value: 1 ether - 1}(key(_A));
        vm.expectRevert(IStaking.ZeroKey.selector);
        vm.prank(_A);
        staking.join{value: 1 ether}(0);
        vm.expectRevert(abi.encodeWithSelector(IStaking.KeyTaken.selector, founder(0)));
        vm.prank(_A);
        staking.join{value: 1 ether}(key(founder(0)));
        join(_A, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongState.selector, IStaking.State.Active));
        vm.prank(_A);
        staking.join{value: 1 ether}(bytes32(uint256(7)));
    }

    function test_addStake() external {
        vm.deal(_A, 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongState.selector, IStaking.State.None));
        vm.prank(_A);
        staking.addStake{value: 1}();
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakeTooLow.selector, 0, 1));
        vm.prank(founder(0));
        staking.addStake();
        vm.deal(founder(0), 1 ether);
        vm.prank(founder(0));
        staking.addStake{value: 1 ether}();
        eq(powerOf(founder(0)), 2 * COIN, "stake comes on top of the genesis power");
        eq(staking.targetPower(), 5 * COIN, "target");
    }

    function test_powerIsCapped() external {
        join(_A, 20_000_000 ether);
        eq(staking.validator(_A).target, 1e16, "cap");
        eq(staking.validator(_A).stake, 20_000_000 ether, "stake");
        mine(200, 200);
        eq(powerOf(_A), 1e16, "reached");
    }

    function test_leaveIsOutAtOnceAndPaidLater() external {
        join(_A, 1 ether);
        mine(1);
        uint64 time = uint64(block.timestamp);
        vm.expectEmit(true, true, true, true);
        emit IStaking.Left(_A, 1 ether, uint64(block.number) + 10_000, time + 7 days);
        leave(_A);
        eq(size(), 4, "size");
        eq(powerOf(_A), 0, "power");
        eq(staking.totalBonded(), 0, "bonded");
        eq(staking.totalUnbonding(), 1 ether, "unbonding");
        _stillBonded();
        mine(9_999, 7 days);
        _stillBonded();
        mine(1, 0);
        vm.prank(_A);
        staking.withdraw();
        eq(_A.balance, 1 ether, "paid");
        eq(address(staking).balance, 0, "balance");
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongState.selector, IStaking.State.None));
        vm.prank(_A);
        staking.withdraw();
    }

    function _stillBonded() private {
        IStaking.Info memory info = staking.validator(_A);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StillBonded.selector, info.releaseBlock, info.releaseTime));
        vm.prank(_A);
        staking.withdraw();
    }

    function test_bothBlocksAndSecondsMustPass() external {
        join(_A, 1 ether);
        leave(_A);
        mine(20_000, 7 days - 1);
        _stillBonded();
        mine(0, 1);
        vm.prank(_A);
        staking.withdraw();
    }

    function test_rejoin() external {
        join(_A, 1 ether);
        mine(1);
        leave(_A);
        vm.deal(_A, 2 ether);
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongState.selector, IStaking.State.Leaving));
        vm.prank(_A);
        staking.join{value: 1 ether}(key(_A));
        mine(10_000, 7 days);
        vm.prank(_A);
        staking.withdraw();
        vm.prank(_A);
        staking.join{value: 2 ether}(bytes32(uint256(99)));
        mine(5, 5);
        eq(powerOf(_A), 2 * COIN, "power");
        eq(staking.keyOwner(key(_A)), _A, "the old key stays the operator's");
        vm.deal(joiner(2), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IStaking.KeyTaken.selector, _A));
        vm.prank(joiner(2));
        staking.join{value: 1 ether}(key(_A));
    }

    function test_joinAndLeaveInOneBlock() external {
        join(_A, 1 ether);
        leave(_A);
        eq(size(), 4, "size");
        mine(1);
        eq(size(), 4, "size");
        eq(total(), 4 * uint256(COIN), "total");
    }

    function test_lastValidatorStays() external {
        for (uint256 i; i < 3; ++i) {
            leave(founder(i));
        }
        vm.expectRevert(IStaking.LastValidator.selector);
        leave(founder(3));
        mine(20, 20);
        eq(size(), 1, "size");
        checkSet();

        vm.expectEmit(true, true, true, true);
        emit IStaking.LastValidatorKept(founder(3));
        slash(founder(3), 1);
        mine(20, 20);
        eq(powerOf(founder(3)), COIN - COIN / 20, "weaker, but there");
        isState(founder(3), IStaking.State.Active, "state");
        for (uint64 i; i < 200; ++i) {
            mine(1);
            slash(founder(3), uint64(block.number));
        }
        checkSet();
        eq(powerOf(founder(3)), staking.MIN_POWER(), "never less");
    }

    function test_slashOfAllKeepsOne() external {
        for (uint256 i; i < 4; ++i) {
            slash(founder(i), 9);
        }
        mine(20, 20);
        checkSet();
        eq(size(), 1, "size");
        isState(founder(3), IStaking.State.Active, "the last one");
        vm.expectRevert(IStaking.LastValidator.selector);
        leave(founder(3));
    }

    function test_slashBurnsJailsAndOnlyOnce() external {
        join(_A, 1 ether);
        mine(1);
        vm.expectRevert(IStaking.OnlySystem.selector);
        staking.slash(_A, 10);
        vm.expectRevert(abi.encodeWithSelector(IStaking.FutureHeight.selector, block.number + 1));
        slash(_A, uint64(block.number + 1));
        uint256 burnedBefore = address(0).balance;
        vm.expectEmit(true, true, true, true);
        emit IStaking.Slashed(_A, 10, 0.05 ether, 0);
        slash(_A, 10);
        eq(address(0).balance - burnedBefore, 0.05 ether, "burned");
        eq(staking.totalBonded(), 0.95 ether, "bonded");
        eq(powerOf(_A), 0, "out at once");
        isState(_A, IStaking.State.Jailed, "state");
        yes(staking.slashedAt(_A, 10), "remembered");
        vm.expectRevert(abi.encodeWithSelector(IStaking.AlreadySlashed.selector, _A, 10));
        slash(_A, 10);
        slash(_A, 9);
        eq(staking.validator(_A).stake, 0.9025 ether, "5 % of what is left");
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongState.selector, IStaking.State.None));
        slash(joiner(2), 9);
    }

    function test_unjail() external {
        join(_A, 1 ether);
        mine(1);
        slash(_A, 10);
        uint64 until = uint64(block.timestamp + 1 days);
        mine(1, 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IStaking.InJail.selector, until));
        vm.prank(_A);
        staking.unjail();
        mine(1);
        vm.expectRevert(abi.encodeWithSelector(IStaking.StakeTooLow.selector, 0.95 ether, 1 ether));
        vm.prank(_A);
        staking.unjail();
        vm.deal(_A, 0.05 ether);
        vm.prank(_A);
        staking.addStake{value: 0.05 ether}();
        eq(powerOf(_A), 0, "stake alone does not free");
        vm.prank(_A);
        staking.unjail();
        eq(powerOf(_A), COIN, "back");
        vm.expectRevert(abi.encodeWithSelector(IStaking.WrongState.selector, IStaking.State.Active));
        vm.prank(_A);
        staking.unjail();
    }

    function test_leavingIsNoEscape() external {
        join(_A, 1 ether);
        mine(1);
        leave(_A);
        mine(1);
        slash(_A, 11);
        eq(staking.totalUnbonding(), 0.95 ether, "unbonding");
        mine(10_000, 7 days);
        vm.expectRevert(IStaking.Released.selector);
        slash(_A, 10);
        vm.prank(_A);
        staking.withdraw();
        eq(_A.balance, 0.95 ether, "paid");
    }

    function test_jailHoldsAcrossLeaving() external {
        Staking other = new Staking();
        vm.prank(SYSTEM);
        other.configure(1 ether, 1, 1, 100 days);
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = founders(4, COIN);
        vm.roll(0);
        vm.prank(SYSTEM);
        other.genesis(operators, keys, powers);
        vm.roll(5);
        vm.prank(SYSTEM);
        other.slash(operators[0], 4);
        uint64 until = uint64(block.timestamp + 100 days);
        vm.prank(operators[0]);
        other.leave();
        mine(10, 10);
        vm.prank(operators[0]);
        other.withdraw();
        vm.deal(operators[0], 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IStaking.InJail.selector, until));
        vm.prank(operators[0]);
        other.join{value: 1 ether}(keys[0]);
    }

    function test_withdrawPaysOnceWhenCalledBack() external {
        Greedy greedy = new Greedy(staking);
        vm.deal(address(greedy), 1 ether);
        join(_A, 1 ether);
        mine(1);
        greedy.run(abi.encodeCall(IStaking.join, (bytes32(uint256(5)))), 1 ether);
        mine(1);
        greedy.run(abi.encodeCall(IStaking.leave, ()), 0);
        mine(10_000, 7 days);
        greedy.run(abi.encodeCall(IStaking.withdraw, ()), 0);
        eq(address(greedy).balance, 1 ether, "paid once");
        eq(greedy.calls(), 1, "called back");
        eq(address(staking).balance, 1 ether, "the other's stake is there");
    }

    function test_stakeStaysUntilPowerIsGone() external {
        Staking other = new Staking();
        vm.prank(SYSTEM);
        other.configure(1 ether, 1, 0, 1);
        (address[] memory operators, bytes32[] memory keys, uint64[] memory powers) = founders(2, COIN);
        vm.roll(0);
        vm.prank(SYSTEM);
        other.genesis(operators, keys, powers);
        vm.roll(5);
        vm.prank(operators[0]);
        other.leave();
        mine(1);
        vm.expectRevert(IStaking.StillInSet.selector);
        vm.prank(operators[0]);
        other.withdraw();
        mine(10, 10);
        vm.prank(operators[0]);
        other.withdraw();
    }

    function test_plainTransfersAreRefused() external {
        vm.deal(_A, 1 ether);
        vm.prank(_A);
        (bool done,) = address(staking).call{value: 1 ether}("");
        yes(!done, "coins that belong to nobody");
    }
}
