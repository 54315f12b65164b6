// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What validators, the node and its users call and hear of the staking contract
interface IStaking {
    /// @notice Where a validator stands.
    /// None: never joined, or withdrew. Active: in the set or on its way in. Standby: bonded, but the set is full.
    /// Jailed: slashed and out of the set until it calls `unjail`. Leaving: waits for its stake.
    enum State {
        None,
        Active,
        Standby,
        Jailed,
        Leaving
    }

    /// @notice All that is known of one validator.
    /// @param publicKey Ed25519 key its node signs votes with
    /// @param power voting power after this block
    /// @param target voting power that `power` moves to
    /// @param stake coins bonded or unbonding, in wei
    /// @param genesisPower power it has from genesis without any stake
    /// @param jailedUntil second until which it may neither unjail nor join
    /// @param releaseBlock first block in which it may withdraw (state Leaving)
    /// @param releaseTime first second in which it may withdraw (state Leaving)
    /// @param state where it stands
    struct Info {
        bytes32 publicKey;
        uint64 power;
        uint64 target;
        uint128 stake;
        uint64 genesisPower;
        uint64 jailedUntil;
        uint64 releaseBlock;
        uint64 releaseTime;
        State state;
    }

    /// @notice The rules of this network were set, before genesis.
    event Configured(uint128 minStake, uint32 unbondingBlocks, uint32 unbondingSeconds, uint32 jailSeconds);
    /// @notice A validator joined, at genesis (stake 0) or later.
    event Joined(address indexed operator, bytes32 indexed publicKey, uint256 stake);
    /// @notice A validator's bonded stake grew.
    event StakeAdded(address indexed operator, uint256 added, uint256 stake);
    /// @notice From this block on the operator's voting power moves to `power`.
    event PowerTarget(address indexed operator, uint64 power);
    /// @notice The set is full: the operator waits with its stake bonded.
    event StandingBy(address indexed operator);
    /// @notice `by` has more stake and takes the place of `operator`, which stands by from now on.
    event Displaced(address indexed operator, address indexed by);
    /// @notice A validator left; its stake can be slashed until it is released.
    event Left(address indexed operator, uint256 stake, uint64 releaseBlock, uint64 releaseTime);
    /// @notice A stake was paid back.
    event Withdrawn(address indexed operator, uint256 amount);
    /// @notice Two contradicting votes of `operator` for `height` were proven: this much was burned.
    event Slashed(address indexed operator, uint64 indexed height, uint256 burned, uint64 genesisPowerBurned);
    /// @notice A validator is out of the set until it calls `unjail`, at `until` or later.
    event Jailed(address indexed operator, uint64 until);
    /// @notice Not jailed although slashed: without it the set would be empty.
    event LastValidatorKept(address indexed operator);
    /// @notice A validator came back from jail.
    event Unjailed(address indexed operator);

    /// @notice Only the node itself may call this, at a block's start, from the system address.
    error OnlySystem();
    /// @notice Genesis was made already.
    error GenesisDone();
    /// @notice Genesis was not made yet.
    error NoGenesis();
    /// @notice Genesis is made in block 0 or 1, no later.
    error GenesisTooLate();
    /// @notice The three lists of genesis differ in length, are empty, or hold more than 100.
    error BadGenesis();
    /// @notice A genesis power is outside 1e9..1e16.
    error BadPower(uint64 power);
    /// @notice A parameter is outside its bounds.
    error BadParameters();
    /// @notice The validators of this network are those of its genesis: nobody joins or adds stake.
    error Closed();
    /// @notice A validator key, or an operator, must not be zero.
    error ZeroKey();
    /// @notice This key belongs to another operator, for ever.
    error KeyTaken(address operator);
    /// @notice The operator is in another state than this call needs.
    error WrongState(State state);
    /// @notice Less than the network's minimum.
    error StakeTooLow(uint256 stake, uint256 minimum);
    /// @notice In jail until this second.
    error InJail(uint64 until);
    /// @notice The only validator cannot leave.
    error LastValidator();
    /// @notice The stake is free from this block and this second on, whichever is later.
    error StillBonded(uint64 releaseBlock, uint64 releaseTime);
    /// @notice The validator's power has not gone to zero yet; the stake stays until it has.
    error StillInSet();
    /// @notice All places are taken by validators with at least as much power.
    error NotEnoughPower(uint64 power, uint64 lowest);
    /// @notice A place is being cleared, or is kept for another; come back in a few blocks.
    error PlaceNotFree();
    /// @notice This operator was slashed for this height before.
    error AlreadySlashed(address operator, uint64 height);
    /// @notice Evidence of a height that is not reached.
    error FutureHeight(uint64 height);
    /// @notice The stake is released: it can be withdrawn and no longer slashed.
    error Released();
    /// @notice Coins could not be moved.
    error TransferFailed();

    /// @notice Sets this network's rules; at most before genesis, only by the system. Defaults hold without it.
    function configure(uint128 minStake, uint32 unbondingBlocks, uint32 unbondingSeconds, uint32 jailSeconds) external;
    /// @notice Sets the first validators, once, only by the system, in block 0 (or 1).
    function genesis(address[] calldata operators, bytes32[] calldata publicKeys, uint64[] calldata powers) external;
    /// @notice Bonds the value sent and makes the sender a validator that signs with `publicKey`.
    function join(bytes32 publicKey) external payable;
    /// @notice Bonds more.
    function addStake() external payable;
    /// @notice Takes the sender out of the set and starts to unbond its stake.
    function leave() external;
    /// @notice Pays the sender its unbonded stake.
    function withdraw() external;
    /// @notice Brings the sender back when its time in jail is over.
    function unjail() external;
    /// @notice Brings an operator that stands by into the set; anybody may call this.
    function promote(address operator) external;
    /// @notice Punishes `operator` for two contradicting votes at `height`; only by the system.
    function slash(address operator, uint64 height) external;

    /// @notice The validators that decide the block after this one, by ascending address, with a power above zero.
    function validators()
        external
        view
        returns (address[] memory operators, bytes32[] memory publicKeys, uint64[] memory powers);
    /// @notice What is known of one validator.
    function validator(address operator) external view returns (Info memory);
    /// @notice The rules of this network.
    function parameters()
        external
        view
        returns (uint128 minStake, uint32 unbondingBlocks, uint32 unbondingSeconds, uint32 jailSeconds);
    /// @notice The operator a key belongs to, or zero.
    function keyOwner(bytes32 publicKey) external view returns (address);
    /// @notice Whether `operator` was slashed for `height`.
    function slashedAt(address operator, uint64 height) external view returns (bool);
    /// @notice Coins bonded by validators that are active, standing by or jailed, in wei.
    function totalBonded() external view returns (uint256);
    /// @notice Coins of validators that left and did not withdraw yet, in wei.
    function totalUnbonding() external view returns (uint256);
    /// @notice Sum of the powers that the set moves to.
    function targetPower() external view returns (uint64);
}
