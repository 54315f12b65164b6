// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IStaking} from "./IStaking.sol";
import {PowerSchedule} from "./PowerSchedule.sol";

/// @title Who validates: stake in, voting power out
/// @notice A predeploy at 0x0000000000000000000000000000000000001001. After each block the node reads `validators()`,
/// and these decide the next one. Anyone joins with a stake and leaves again; contradicting votes burn a part of it.
///
/// Power. One unit is 1 gwei of stake, so one coin is 1e9; one validator has at most 1e16, and all together at most 1e18,
/// which leaves room in 64 bits for the arithmetic of consensus (3 * power, 2 * total). Genesis validators need no stake:
/// each has a power given by genesis (1e9 is "as much as one coin"), and what it stakes later comes on top.
///
/// Churn. Powers do not jump: see PowerSchedule. Less than 1/3 of the power changes in a block.
///
/// Never empty. The only validator that stays cannot leave; if it is slashed, coins burn but it is not jailed.
///
/// Nobody owns this contract. The system address has no key: only the node's own code calls from it, the same on every
/// node. There is no upgrade.
/// @dev The node makes the genesis call on the state of block 0 before it computes the state root. It calls
/// `validators()` on the state after block h with block.number = h. Logs of system calls are in no receipt.
contract Staking is IStaking {
    using PowerSchedule for PowerSchedule.Schedule;
    using SafeCast for uint256;

    /// @notice The caller of system calls (EIP-4788's address); no key exists for it.
    address public constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    /// @notice Places in the set: 100 votes a round are what one block's certificate may hold.
    uint256 public constant MAX_VALIDATORS = 100;
    /// @notice Wei of stake for one unit of power.
    uint256 public constant POWER_UNIT = 1 gwei;
    /// @notice Least power of a validator that comes in; the total never is less, so rounding stays small beside it.
    uint64 public constant MIN_POWER = 1e6;
    /// @notice Least power of a genesis validator: as much as one coin of stake.
    uint64 public constant MIN_GENESIS_POWER = 1e9;
    /// @notice Most power of a validator: ten million coins. Stake beyond it counts no further.
    uint64 public constant MAX_POWER = 1e16;
    /// @notice Hundredths of a percent that one proven fault burns: 5 %.
    uint256 public constant SLASH_BASIS_POINTS = 500;
    /// @notice As `minStake`: only the genesis validators, for networks whose coin has no value and could be had for free.
    uint128 public constant CLOSED = type(uint128).max;
    /// @notice Blocks for which the place of a displaced validator is kept for the one that displaced it.
    uint256 public constant RESERVATION_BLOCKS = 256;

    struct Parameters {
        uint128 minStake;
        uint32 unbondingBlocks;
        uint32 unbondingSeconds;
        uint32 jailSeconds;
        bool genesisDone;
    }

    struct Record {
        bytes32 publicKey;
        uint64 from;
        uint64 to;
        uint64 genesisPower;
        uint48 jailedUntil;
        State state;
        // In _members: has or had power, or is about to get some.
        bool member;
        uint128 stake;
        uint64 releaseBlock;
        uint64 releaseTime;
    }

    /// @dev Slot 0. A day in jail; a week and 10,000 blocks until a stake is free, whichever is later: blocks, because
    /// evidence names heights, and seconds, because a light client's trust ends by the clock.
    Parameters private _parameters;
    /// @dev Slot 1.
    PowerSchedule.Schedule private _schedule;
    /// @dev Slot 2: by ascending address, at most MAX_VALIDATORS, those with a power or on their way to one.
    address[] private _members;
    /// @dev Slot 3.
    mapping(address operator => Record) private _records;
    /// @inheritdoc IStaking
    mapping(bytes32 publicKey => address operator) public keyOwner;
    /// @inheritdoc IStaking
    mapping(address operator => mapping(uint64 height => bool)) public slashedAt;
    /// @inheritdoc IStaking
    uint256 public totalBonded;
    /// @inheritdoc IStaking
    uint256 public totalUnbonding;
    /// @dev Members whose power moves to more than zero.
    uint32 private _staying;
    /// @dev The one for whom the next free place is kept, until that block.
    uint64 private _reservedUntil;
    address private _reservedFor;

    modifier onlySystem() {
        if (msg.sender != SYSTEM) revert OnlySystem();
        _;
    }

    modifier afterGenesis() {
        if (!_parameters.genesisDone) revert NoGenesis();
        _;
    }

    /// @inheritdoc IStaking
    /// @param minStake wei; at least MIN_POWER gwei; CLOSED: nobody joins
    /// @param unbondingBlocks at least 1; keep it longer than evidence takes to arrive
    /// @param unbondingSeconds keep it longer than a light client may be away
    /// @param jailSeconds how long a slashed validator stays out
    function configure(uint128 minStake, uint32 unbondingBlocks, uint32 unbondingSeconds, uint32 jailSeconds)
        external
        onlySystem
    {
        if (_parameters.genesisDone) revert GenesisDone();
        if (minStake < MIN_POWER * POWER_UNIT || unbondingBlocks == 0) revert BadParameters();
        _parameters = Parameters(minStake, unbondingBlocks, unbondingSeconds, jailSeconds, false);
        emit Configured(minStake, unbondingBlocks, unbondingSeconds, jailSeconds);
    }

    /// @inheritdoc IStaking
    /// @dev In any order; neither an operator nor a key twice.
    function genesis(address[] calldata operators, bytes32[] calldata publicKeys, uint64[] calldata powers)
        external
        onlySystem
    {
        if (_parameters.genesisDone) revert GenesisDone();
        if (block.number > 1) revert GenesisTooLate();
        uint256 count = operators.length;
        if (count == 0 || count > MAX_VALIDATORS || count != publicKeys.length || count != powers.length) {
            revert BadGenesis();
        }
        if (_parameters.minStake == 0) _parameters = Parameters(1 ether, 10_000, 7 days, 1 days, false);
        _parameters.genesisDone = true;
        uint64 total;
        for (uint256 i; i < count; ++i) {
            address operator = operators[i];
            uint64 power = powers[i];
            if (operator == address(0)) revert ZeroKey();
            if (power < MIN_GENESIS_POWER || power > MAX_POWER) revert BadPower(power);
            Record storage record = _records[operator];
            if (record.state != State.None) revert WrongState(record.state);
            _bindKey(operator, publicKeys[i]);
            record.genesisPower = power;
            record.from = power;
            record.to = power;
            record.state = State.Active;
            _insert(operator);
            total += power;
            emit Joined(operator, publicKeys[i], 0);
            emit PowerTarget(operator, power);
        }
        // At most MAX_VALIDATORS.
        // forge-lint: disable-next-line(unsafe-typecast)
        _staying = uint32(count);
        _schedule = PowerSchedule.Schedule(uint64(block.number), total, total, 0);
    }

    /// @inheritdoc IStaking
    /// @dev The key's owner is not proven here (no Ed25519 in the EVM): who takes another's key gains nothing, since a vote
    /// counts only with that key's signature, and locks a stake; the other joins with a new key.
    function join(bytes32 publicKey) external payable afterGenesis {
        Parameters memory rules = _parameters;
        if (rules.minStake == CLOSED) revert Closed();
        Record storage record = _records[msg.sender];
        if (record.state != State.None) revert WrongState(record.state);
        if (block.timestamp < record.jailedUntil) revert InJail(record.jailedUntil);
        if (msg.value < rules.minStake) revert StakeTooLow(msg.value, rules.minStake);
        _bindKey(msg.sender, publicKey);
        record.stake = msg.value.toUint128();
        totalBonded += msg.value;
        emit Joined(msg.sender, publicKey, msg.value);
        _rebase();
        _enter(msg.sender);
    }

    /// @inheritdoc IStaking
    function addStake() external payable {
        if (_parameters.minStake == CLOSED) revert Closed();
        Record storage record = _records[msg.sender];
        State state = record.state;
        if (state == State.None || state == State.Leaving) revert WrongState(state);
        if (msg.value == 0) revert StakeTooLow(0, 1);
        uint128 stake = (record.stake + msg.value).toUint128();
        record.stake = stake;
        totalBonded += msg.value;
        emit StakeAdded(msg.sender, msg.value, stake);
        if (state == State.Active) {
            _rebase();
            _setTarget(msg.sender, _powerOf(record));
        }
    }

    /// @inheritdoc IStaking
    /// @dev Who has at most 3/10 of the power is out for the very next block. A genesis power is given up for ever.
    function leave() external {
        Record storage record = _records[msg.sender];
        State state = record.state;
        if (state == State.None || state == State.Leaving) revert WrongState(state);
        if (state == State.Active && _staying == 1) revert LastValidator();
        uint128 stake = record.stake;
        uint64 releaseBlock = uint64(block.number) + _parameters.unbondingBlocks;
        uint64 releaseTime = uint64(block.timestamp) + _parameters.unbondingSeconds;
        record.releaseBlock = releaseBlock;
        record.releaseTime = releaseTime;
        record.genesisPower = 0;
        record.state = State.Leaving;
        totalBonded -= stake;
        totalUnbonding += stake;
        emit Left(msg.sender, stake, releaseBlock, releaseTime);
        if (state == State.Active) {
            _rebase();
            _setTarget(msg.sender, 0);
        }
    }

    /// @inheritdoc IStaking
    function withdraw() external {
        Record storage record = _records[msg.sender];
        if (record.state != State.Leaving) revert WrongState(record.state);
        if (!_released(record)) revert StillBonded(record.releaseBlock, record.releaseTime);
        _rebase();
        if (record.member) revert StillInSet();
        uint256 amount = record.stake;
        record.stake = 0;
        record.state = State.None;
        totalUnbonding -= amount;
        emit Withdrawn(msg.sender, amount);
        // Last, with all books closed: the receiver may call back and finds nothing left to take.
        if (amount != 0) _send(msg.sender, amount);
    }

    /// @inheritdoc IStaking
    /// @dev What the slash left must still be enough to join with; `addStake` works in jail too.
    function unjail() external {
        Record storage record = _records[msg.sender];
        if (record.state != State.Jailed) revert WrongState(record.state);
        if (block.timestamp < record.jailedUntil) revert InJail(record.jailedUntil);
        if (record.genesisPower == 0 && record.stake < _parameters.minStake) {
            revert StakeTooLow(record.stake, _parameters.minStake);
        }
        uint64 power = _powerOf(record);
        if (power < MIN_POWER) revert BadPower(power);
        emit Unjailed(msg.sender);
        _rebase();
        _enter(msg.sender);
    }

    /// @inheritdoc IStaking
    /// @dev With the set full, the first call displaces the validator with the least power, if that is less than the
    /// operator's; a second one, when that validator's power is gone, takes its place, which is kept for the operator
    /// for RESERVATION_BLOCKS.
    function promote(address operator) external {
        Record storage record = _records[operator];
        if (record.state != State.Standby) revert WrongState(record.state);
        _rebase();
        // One that is on its way out must have gone before it can come back, or it would undo its displacement.
        if (record.member) revert PlaceNotFree();
        if (_placeFor(operator)) {
            _enter(operator);
            return;
        }
        if (block.number < _reservedUntil) revert PlaceNotFree();
        uint64 power = _powerOf(record);
        uint64 lowestPower = type(uint64).max;
        address lowest;
        for (uint256 i; i < _members.length; ++i) {
            uint64 other = _records[_members[i]].to;
            if (other == 0) revert PlaceNotFree();
            if (other < lowestPower) (lowest, lowestPower) = (_members[i], other);
        }
        if (power <= lowestPower) revert NotEnoughPower(power, lowestPower);
        _records[lowest].state = State.Standby;
        _reservedFor = operator;
        // Blocks are counted in 64 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        _reservedUntil = uint64(block.number + RESERVATION_BLOCKS);
        emit Displaced(lowest, operator);
        _setTarget(lowest, 0);
    }

    /// @inheritdoc IStaking
    /// @dev Each proven height burns 5 % of what is left, bonded or unbonding, and of a genesis power.
    function slash(address operator, uint64 height) external onlySystem {
        Record storage record = _records[operator];
        State state = record.state;
        if (state == State.None) revert WrongState(state);
        if (height > block.number) revert FutureHeight(height);
        if (slashedAt[operator][height]) revert AlreadySlashed(operator, height);
        if (state == State.Leaving && _released(record)) revert Released();
        slashedAt[operator][height] = true;

        // A part of the whole, which fits.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint128 burned = uint128((record.stake * SLASH_BASIS_POINTS) / 10_000);
        // A part of the whole, which fits.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 powerBurned = uint64((record.genesisPower * SLASH_BASIS_POINTS) / 10_000);
        record.stake -= burned;
        record.genesisPower -= powerBurned;
        if (state == State.Leaving) totalUnbonding -= burned;
        else totalBonded -= burned;
        emit Slashed(operator, height, burned, powerBurned);

        if (state == State.Active && _staying == 1) {
            _rebase();
            uint64 power = _powerOf(record);
            _setTarget(operator, power < MIN_POWER ? MIN_POWER : power);
            emit LastValidatorKept(operator);
        } else {
            uint48 until = uint48(block.timestamp + _parameters.jailSeconds);
            record.jailedUntil = until;
            emit Jailed(operator, until);
            if (state == State.Active) {
                _rebase();
                _setTarget(operator, 0);
            }
            if (state != State.Leaving) record.state = State.Jailed;
        }
        if (burned != 0) _send(address(0), burned);
    }

    /// @inheritdoc IStaking
    function validators()
        external
        view
        returns (address[] memory operators, bytes32[] memory publicKeys, uint64[] memory powers)
    {
        uint256 done = _schedule.progress(block.number);
        uint256 places = _members.length;
        operators = new address[](places);
        publicKeys = new bytes32[](places);
        powers = new uint64[](places);
        uint256 count;
        for (uint256 i; i < places; ++i) {
            address operator = _members[i];
            Record storage record = _records[operator];
            uint64 power = PowerSchedule.powerAt(record.from, record.to, done);
            if (power == 0) continue;
            operators[count] = operator;
            publicKeys[count] = record.publicKey;
            powers[count] = power;
            ++count;
        }
        // Shortens the three arrays, which were made for all places, to what was filled.
        assembly ("memory-safe") {
            mstore(operators, count)
            mstore(publicKeys, count)
            mstore(powers, count)
        }
    }

    /// @inheritdoc IStaking
    function validator(address operator) external view returns (Info memory) {
        Record storage record = _records[operator];
        uint64 power = PowerSchedule.powerAt(record.from, record.to, _schedule.progress(block.number));
        return Info({
            publicKey: record.publicKey,
            power: power,
            target: record.to,
            stake: record.stake,
            genesisPower: record.genesisPower,
            jailedUntil: record.jailedUntil,
            releaseBlock: record.releaseBlock,
            releaseTime: record.releaseTime,
            state: record.state
        });
    }

    /// @inheritdoc IStaking
    function parameters()
        external
        view
        returns (uint128 minStake, uint32 unbondingBlocks, uint32 unbondingSeconds, uint32 jailSeconds)
    {
        Parameters memory rules = _parameters;
        return (rules.minStake, rules.unbondingBlocks, rules.unbondingSeconds, rules.jailSeconds);
    }

    /// @inheritdoc IStaking
    function targetPower() external view returns (uint64) {
        return _schedule.sumTo;
    }

    /// @dev Keys stay bound to their operator for ever, so that an old key never speaks for somebody else.
    function _bindKey(address operator, bytes32 publicKey) private {
        if (publicKey == 0) revert ZeroKey();
        address owner = keyOwner[publicKey];
        if (owner != address(0) && owner != operator) revert KeyTaken(owner);
        keyOwner[publicKey] = operator;
        _records[operator].publicKey = publicKey;
    }

    /// @dev Power of a genesis power and a stake.
    function _powerOf(Record storage record) private view returns (uint64) {
        uint256 power = record.genesisPower + record.stake / POWER_UNIT;
        // Not above MAX_POWER.
        // forge-lint: disable-next-line(unsafe-typecast)
        return power > MAX_POWER ? MAX_POWER : uint64(power);
    }

    function _released(Record storage record) private view returns (bool) {
        return block.number >= record.releaseBlock && block.timestamp >= record.releaseTime;
    }

    function _send(address to, uint256 amount) private {
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed();
    }

    /// @dev Whether a place is free that is not kept for another.
    function _placeFor(address operator) private view returns (bool) {
        uint256 kept = block.number < _reservedUntil && _reservedFor != operator ? 1 : 0;
        return _members.length + kept < MAX_VALIDATORS;
    }

    /// @dev Into the set, or to those that stand by. After _rebase.
    function _enter(address operator) private {
        Record storage record = _records[operator];
        if (!record.member) {
            if (!_placeFor(operator)) {
                record.state = State.Standby;
                emit StandingBy(operator);
                return;
            }
            if (_reservedFor == operator) _reservedUntil = 0;
            _insert(operator);
        }
        record.state = State.Active;
        _setTarget(operator, _powerOf(record));
    }

    /// @dev Before any target moves in this block: writes where the old movement stood after the last block, and starts a
    /// new one there. Later changes in the same block start from there too, so all of them share the block's churn.
    function _rebase() private {
        PowerSchedule.Schedule memory schedule = _schedule;
        uint64 last = uint64(block.number - 1);
        if (schedule.base >= last) return;
        if (schedule.distance != 0) {
            uint256 done = schedule.progress(last);
            (schedule.sumFrom, schedule.distance) = (0, 0);
            uint256 places = _members.length;
            uint256 kept;
            for (uint256 i; i < places; ++i) {
                address operator = _members[i];
                Record storage record = _records[operator];
                (uint64 from, uint64 to) = (record.from, record.to);
                uint64 power = PowerSchedule.powerAt(from, to, done);
                if (power != from) record.from = power;
                if (power == 0 && to == 0) {
                    record.member = false;
                    continue;
                }
                if (kept != i) _members[kept] = operator;
                ++kept;
                schedule.sumFrom += power;
                schedule.distance += PowerSchedule.gap(power, to);
            }
            for (; places > kept; --places) {
                _members.pop();
            }
        }
        schedule.base = last;
        _schedule = schedule;
    }

    /// @dev From this block on the member's power moves to `power`. After _rebase.
    function _setTarget(address operator, uint64 power) private {
        Record storage record = _records[operator];
        (uint64 from, uint64 old) = (record.from, record.to);
        record.to = power;
        if (old == 0 && power != 0) ++_staying;
        if (old != 0 && power == 0) --_staying;
        _schedule.sumTo = _schedule.sumTo - old + power;
        _schedule.distance = _schedule.distance - PowerSchedule.gap(from, old) + PowerSchedule.gap(from, power);
        // Came and went within one block: it never had a power.
        if (from == 0 && power == 0) _remove(operator);
        emit PowerTarget(operator, power);
    }

    /// @dev Keeps _members sorted, so that `validators()` need not sort.
    function _insert(address operator) private {
        _members.push(operator);
        uint256 i = _members.length - 1;
        for (; i > 0 && _members[i - 1] > operator; --i) {
            _members[i] = _members[i - 1];
        }
        _members[i] = operator;
        _records[operator].member = true;
    }

    function _remove(address operator) private {
        uint256 i;
        while (_members[i] != operator) ++i;
        for (; i + 1 < _members.length; ++i) {
            _members[i] = _members[i + 1];
        }
        _members.pop();
        _records[operator].member = false;
    }
}
