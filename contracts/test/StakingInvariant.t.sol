// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StakingBase} from "./StakingBase.sol";
import {IStaking} from "../src/IStaking.sol";
import {Staking} from "../src/Staking.sol";

/// @title Twelve operators that do anything at any time; looks at the set whenever a block ends
contract StakingHandler is StakingBase {
    uint256 private constant _OPERATORS = 12;
    uint256 public burned;
    uint256 public putIn;
    uint256 public takenOut;
    uint256 public calls;
    uint256 public blocks;
    /// @dev Largest share of the power that changed in a block, in millionths.
    uint256 public worstChurn;
    address[] private _seen;
    uint64[] private _seenPowers;

    constructor() {
        vm.deal(SYSTEM, 0);
    }

    /// @dev A founder, or one of those that come later.
    function who(uint256 seed) private pure returns (address) {
        uint256 i = seed % _OPERATORS;
        return i < 4 ? founder(i) : joiner(i);
    }

    function operator(uint256 i) external pure returns (address) {
        return who(i);
    }

    function operatorCount() external pure returns (uint256) {
        return _OPERATORS;
    }

    function actJoin(uint256 seed, uint256 stake) external {
        address account = who(seed);
        ++calls;
        if (stateOf(account) != IStaking.State.None) return;
        if (block.timestamp < staking.validator(account).jailedUntil) return;
        stake = stake % 5 == 0 ? bound(stake, 1 ether, 10_000_000 ether) : bound(stake, 1 ether, 4 ether);
        join(account, stake);
        putIn += stake;
    }

    function actAdd(uint256 seed, uint256 stake) external {
        address account = who(seed);
        ++calls;
        IStaking.State state = stateOf(account);
        if (state == IStaking.State.None || state == IStaking.State.Leaving) return;
        stake = bound(stake, 1, 3 ether);
        vm.deal(account, account.balance + stake);
        vm.prank(account);
        staking.addStake{value: stake}();
        putIn += stake;
    }

    function actLeave(uint256 seed) external {
        address account = who(seed);
        ++calls;
        IStaking.State state = stateOf(account);
        if (state == IStaking.State.None || state == IStaking.State.Leaving) return;
        vm.prank(account);
        try staking.leave() {}
        catch (bytes memory why) {
            // The one reason there is to refuse: nobody else's power would be left.
            yes(bytes4(why) == IStaking.LastValidator.selector, "refused to leave");
            eq(staking.validator(account).target, staking.targetPower(), "was not the last");
        }
    }

    function actWithdraw(uint256 seed) external {
        address account = who(seed);
        ++calls;
        IStaking.Info memory info = staking.validator(account);
        if (info.state != IStaking.State.Leaving) return;
        uint256 had = account.balance;
        vm.prank(account);
        try staking.withdraw() {
            yes(block.number >= info.releaseBlock && block.timestamp >= info.releaseTime, "paid too early");
            takenOut += account.balance - had;
        } catch {
            yes(block.number < info.releaseBlock || block.timestamp < info.releaseTime || info.power > 0, "not paid");
        }
    }

    function actUnjail(uint256 seed) external {
        address account = who(seed);
        ++calls;
        if (stateOf(account) != IStaking.State.Jailed) return;
        vm.prank(account);
        try staking.unjail() {} catch {}
    }

    function actSlash(uint256 seed, uint64 back) external {
        address account = who(seed);
        ++calls;
        if (stateOf(account) == IStaking.State.None) return;
        uint256 had = address(0).balance;
        vm.prank(SYSTEM);
        try staking.slash(account, uint64(block.number - back % 8)) {
            burned += address(0).balance - had;
        } catch (bytes memory why) {
            bytes4 reason = bytes4(why);
            yes(reason == IStaking.AlreadySlashed.selector || reason == IStaking.Released.selector, "not slashed");
        }
    }

    function actEndBlock(uint256 seconds_) external {
        ++calls;
        look();
        mine(bound(seconds_, 0, 6));
    }

    /// @dev A long quiet time: every block of it is looked at, then it jumps.
    function actWait(uint256 days_) external {
        ++calls;
        for (uint256 i; i < 12; ++i) {
            look();
            mine(1);
        }
        if (days_ % 2 == 0) {
            // What moves has come to rest long before; the next block seen follows on that rest.
            mine(1000, 1 days);
            delete _seen;
            delete _seenPowers;
            if (days_ % 4 == 0) mine(10_000, 7 days);
        }
    }

    function look() private {
        ++blocks;
        (address[] memory operators,, uint64[] memory powers) = staking.validators();
        if (_seen.length != 0) {
            (uint256 changed, uint256 before) = churn(_seen, _seenPowers, operators, powers);
            uint256 share = changed * 1e6 / before;
            if (share > worstChurn) worstChurn = share;
        }
        _seen = operators;
        _seenPowers = powers;
    }
}

/// @title Staking: what no order of calls can break
contract StakingInvariantTest is StakingBase {
    StakingHandler private _handler;

    function setUp() external {
        start(4, COIN);
        _handler = new StakingHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev Every coin put in is bonded, unbonding, paid back or burned; the sums are those of the records.
    function invariant_stakeIsConserved() external view {
        uint256 bonded;
        uint256 unbonding;
        for (uint256 i; i < _handler.operatorCount(); ++i) {
            IStaking.Info memory info = staking.validator(_handler.operator(i));
            if (info.state == IStaking.State.Leaving) unbonding += info.stake;
            else bonded += info.stake;
        }
        eq(bonded, staking.totalBonded(), "bonded");
        eq(unbonding, staking.totalUnbonding(), "unbonding");
        eq(address(staking).balance, bonded + unbonding, "balance");
        eq(_handler.putIn(), bonded + unbonding + _handler.takenOut() + _handler.burned(), "coins lost or made");
    }

    /// @dev Never empty, sorted, unique, bounded, each key its owner's.
    function invariant_setIsWellFormed() external view {
        checkSet();
    }

    /// @dev Less than a third of the power changes in a block.
    function invariant_churnIsBounded() external view {
        yes(_handler.worstChurn() < 333_333, vm.toString(_handler.worstChurn()));
    }

    /// @dev Targets follow from state and stake alone, and their sum is kept.
    function invariant_targetsFollowFromStakes() external view {
        uint256 sum;
        uint256 staying;
        for (uint256 i; i < _handler.operatorCount(); ++i) {
            IStaking.Info memory info = staking.validator(_handler.operator(i));
            sum += info.target;
            if (info.state != IStaking.State.Active) {
                eq(info.target, 0, "power for one who is not active");
                continue;
            }
            ++staying;
            uint256 power = info.genesisPower + info.stake / 1 gwei;
            if (power > 1e16) power = 1e16;
            if (info.target != power) eq(info.target, staking.MIN_POWER(), "power is not stake");
        }
        yes(staying > 0, "nobody stays");
        eq(sum, staking.targetPower(), "sum of targets");
    }

    /// @dev Left alone, the set becomes what it moves to.
    function afterInvariant() external {
        mine(200, 200);
        for (uint256 i; i < _handler.operatorCount(); ++i) {
            IStaking.Info memory info = staking.validator(_handler.operator(i));
            eq(info.power, info.target, "did not arrive");
        }
        eq(total(), staking.targetPower(), "total");
    }
}
