// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {NameRules} from "./NameRules.sol";

/// @title Names for addresses, texts and content
/// @notice A predeploy at 0x0000000000000000000000000000000000001002. A name is taken in two steps: `commit` to a hash of
/// name, owner, years and a secret, wait a minute, then `register` by revealing them. Whoever sees the reveal on its way
/// would have to commit first and wait as long, and the owner is part of the commitment, so it cannot be turned to another.
/// Names are ERC-721 tokens (`id = keccak256(name)`), paid by the year; the price is burned, for nobody owns this contract.
/// An expired name stands for nothing; for GRACE only a renewal brings it back, then it is free for all.
/// @dev No constructor of OpenZeppelin's ERC721 leaves anything in storage here: name and symbol are constants, since a
/// predeploy's constructor never runs.
contract NamingRegistry is ERC721 {
    /// @notice A commitment can be revealed after this many seconds (and in a later block): longer than a reveal waits for
    /// its block, and than a proposer may move the clock.
    uint256 public constant MIN_COMMIT_AGE = 60;
    /// @notice And until this many seconds.
    uint256 public constant MAX_COMMIT_AGE = 1 days;
    /// @notice Seconds of a year of a name.
    uint256 public constant YEAR = 365 days;
    /// @notice No name is paid further ahead than this many years.
    uint256 public constant MAX_YEARS = 10;
    /// @notice Seconds after expiry in which a name can only be renewed.
    uint256 public constant GRACE = 30 days;
    /// @notice Longest key of a text record, in bytes.
    uint256 public constant MAX_KEY = 64;
    /// @notice Longest text record, in bytes.
    uint256 public constant MAX_TEXT = 1024;
    /// @notice Most text records of a name.
    uint256 public constant MAX_TEXTS = 32;
    /// @notice Longest content hash, in bytes.
    uint256 public constant MAX_CONTENTHASH = 128;

    struct Commitment {
        uint64 blockNumber;
        uint64 timestamp;
    }

    struct Records {
        address addr;
        bytes contenthash;
        string[] keys;
        mapping(string key => string) texts;
    }

    /// @notice When a commitment was made; zeros if never, or used.
    mapping(bytes32 commitment => Commitment) public commitments;
    /// @notice Second at which a name expires; zero if it was never taken.
    mapping(uint256 id => uint64) public expiresAt;
    mapping(uint256 id => string) private _names;
    /// @dev Records count from here: a new number leaves all older ones behind.
    mapping(uint256 id => uint64) private _version;
    mapping(uint256 id => mapping(uint64 version => Records)) private _records;

    /// @notice A commitment was made.
    event Committed(bytes32 indexed commitment, address indexed sender);
    /// @notice A name was taken.
    event Registered(uint256 indexed id, address indexed owner, string name, uint64 expires, uint256 price);
    /// @notice A name was paid further.
    event Renewed(uint256 indexed id, string name, uint64 expires, uint256 price);
    /// @notice A name points to an address, or to none (zero).
    event AddrChanged(uint256 indexed id, address addr);
    /// @notice A text record changed; an empty value deletes it.
    event TextChanged(uint256 indexed id, string key, string value);
    /// @notice A content hash changed; an empty one deletes it.
    event ContenthashChanged(uint256 indexed id, bytes contenthash);
    /// @notice A name went to another holder and lost its records.
    event RecordsCleared(uint256 indexed id, uint64 version);

    /// @notice Not a name: see NameRules.
    error BadName();
    /// @notice Years must be 1 to MAX_YEARS, and the end at most MAX_YEARS from now.
    error BadYears();
    /// @notice The same commitment waits already.
    error AlreadyCommitted(bytes32 commitment);
    /// @notice No such commitment.
    error NotCommitted(bytes32 commitment);
    /// @notice Reveal it at this second or later, in a later block.
    error TooEarly(uint256 from);
    /// @notice The commitment is too old: make it anew.
    error TooLate(uint256 until);
    /// @notice The name belongs to someone, or may still be renewed.
    error Taken(string name);
    /// @notice The name was never taken, or its grace is over.
    error NotTaken(string name);
    /// @notice The name has expired.
    error Expired(uint256 id);
    /// @notice The price is higher than what was sent.
    error PriceNotPaid(uint256 sent, uint256 price);
    /// @notice Only the holder of the name, or one it approved.
    error NotHolder(address sender);
    /// @notice A record is longer than its bound, a text's key is empty, or there are MAX_TEXTS already.
    error RecordTooLarge();
    /// @notice Coins could not be moved.
    error TransferFailed();

    constructor() ERC721("", "") {}

    /// @notice The collection's name.
    function name() public pure override returns (string memory) {
        return "Weft Names";
    }

    /// @notice The collection's symbol.
    function symbol() public pure override returns (string memory) {
        return "WEFTNAME";
    }

    /// @notice What to commit to: this ledger, this contract, a name, its owner, its years, and 32 random bytes.
    function commitmentOf(string calldata label, address owner, uint256 yearCount, bytes32 secret)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), label, owner, yearCount, secret));
    }

    /// @notice First step: commits to a name without telling which.
    /// @dev One that waits cannot be committed again, by nobody, or its clock could be turned back.
    function commit(bytes32 commitment) external {
        Commitment memory made = commitments[commitment];
        if (made.blockNumber != 0 && block.timestamp <= made.timestamp + MAX_COMMIT_AGE) {
            revert AlreadyCommitted(commitment);
        }
        commitments[commitment] = Commitment(uint64(block.number), uint64(block.timestamp));
        emit Committed(commitment, msg.sender);
    }

    /// @notice Second step: reveals and pays; anybody may send it, the name goes to `owner`. What is paid too much returns.
    function register(string calldata label, address owner, uint256 yearCount, bytes32 secret)
        external
        payable
        returns (uint256 id)
    {
        if (!NameRules.valid(bytes(label))) revert BadName();
        if (yearCount == 0 || yearCount > MAX_YEARS) revert BadYears();
        _reveal(commitmentOf(label, owner, yearCount, secret));
        if (!available(label)) revert Taken(label);
        uint256 cost = price(label, yearCount);
        if (msg.value < cost) revert PriceNotPaid(msg.value, cost);

        id = idOf(label);
        // Ten years from now fit.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 expires = uint64(block.timestamp + yearCount * YEAR);
        // Not _safeMint: the owner chose itself, and must not get to run code here.
        if (_ownerOf(id) != address(0)) _burn(id);
        expiresAt[id] = expires;
        _names[id] = label;
        _mint(owner, id);
        emit Registered(id, owner, label, expires, cost);
        _pay(cost);
    }

    /// @notice Pays a name further, up to MAX_YEARS from now; anybody may do that, also in its grace.
    function renew(string calldata label, uint256 yearCount) external payable {
        uint256 id = idOf(label);
        if (expiresAt[id] == 0 || available(label)) revert NotTaken(label);
        if (yearCount == 0 || yearCount > MAX_YEARS) revert BadYears();
        // Ten more years fit.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 expires = uint64(expiresAt[id] + yearCount * YEAR);
        if (expires > block.timestamp + MAX_YEARS * YEAR) revert BadYears();
        uint256 cost = price(label, yearCount);
        if (msg.value < cost) revert PriceNotPaid(msg.value, cost);
        expiresAt[id] = expires;
        emit Renewed(id, label, expires, cost);
        _pay(cost);
    }

    /// @notice Points the name to an address, or to none (zero).
    function setAddr(string calldata label, address to) external {
        (uint256 id, Records storage records) = _own(label);
        records.addr = to;
        emit AddrChanged(id, to);
    }

    /// @notice Sets a text record; an empty value deletes it.
    function setText(string calldata label, string calldata key, string calldata value) external {
        (uint256 id, Records storage records) = _own(label);
        uint256 keyLength = bytes(key).length;
        if (keyLength == 0 || keyLength > MAX_KEY || bytes(value).length > MAX_TEXT) revert RecordTooLarge();
        bool had = bytes(records.texts[key]).length != 0;
        bool has = bytes(value).length != 0;
        if (has && !had) {
            if (records.keys.length == MAX_TEXTS) revert RecordTooLarge();
            records.keys.push(key);
        } else if (had && !has) {
            uint256 i;
            while (keccak256(bytes(records.keys[i])) != keccak256(bytes(key))) ++i;
            records.keys[i] = records.keys[records.keys.length - 1];
            records.keys.pop();
        }
        records.texts[key] = value;
        emit TextChanged(id, key, value);
    }

    /// @notice Sets the content hash (ENS's encoding, ERC-1577, by custom; any bytes by rule); empty deletes it.
    function setContenthash(string calldata label, bytes calldata hash) external {
        (uint256 id, Records storage records) = _own(label);
        if (hash.length > MAX_CONTENTHASH) revert RecordTooLarge();
        records.contenthash = hash;
        emit ContenthashChanged(id, hash);
    }

    /// @notice The token's id of a name.
    function idOf(string calldata label) public pure returns (uint256) {
        return uint256(keccak256(bytes(label)));
    }

    /// @notice The name of a token's id; empty if it was never taken.
    function nameOf(uint256 id) external view returns (string memory) {
        return _names[id];
    }

    /// @notice Whether a name follows the rules.
    function valid(string calldata label) external pure returns (bool) {
        return NameRules.valid(bytes(label));
    }

    /// @notice Whether a name follows the rules and can be taken now.
    function available(string calldata label) public view returns (bool) {
        if (!NameRules.valid(bytes(label))) return false;
        uint64 expires = expiresAt[idOf(label)];
        return expires == 0 || block.timestamp > expires + GRACE;
    }

    /// @notice Wei for so many years.
    function price(string calldata label, uint256 yearCount) public pure returns (uint256) {
        return NameRules.yearly(bytes(label).length) * yearCount;
    }

    /// @notice The address a name points to; zero if none, or expired.
    function addr(string calldata label) external view returns (address) {
        uint256 id = idOf(label);
        return _live(id) ? _current(id).addr : address(0);
    }

    /// @notice A text record; empty if none, or expired.
    function text(string calldata label, string calldata key) external view returns (string memory) {
        uint256 id = idOf(label);
        return _live(id) ? _current(id).texts[key] : "";
    }

    /// @notice The keys of all text records, in no order.
    function textKeys(string calldata label) external view returns (string[] memory) {
        uint256 id = idOf(label);
        return _live(id) ? _current(id).keys : new string[](0);
    }

    /// @notice The content hash; empty if none, or expired.
    function contenthash(string calldata label) external view returns (bytes memory) {
        uint256 id = idOf(label);
        return _live(id) ? _current(id).contenthash : bytes("");
    }

    /// @notice The holder of a name; an expired one has none.
    function ownerOf(uint256 id) public view override returns (address) {
        address owner = super.ownerOf(id);
        if (!_live(id)) revert Expired(id);
        return owner;
    }

    /// @dev An expired name cannot change hands but by `register`, which has no `auth`. Records stay behind with the holder
    /// who made them: a buyer must not inherit where money goes.
    function _update(address to, uint256 id, address auth) internal override returns (address from) {
        if (auth != address(0) && !_live(id)) revert Expired(id);
        from = super._update(to, id, auth);
        if (from != address(0) && from != to) emit RecordsCleared(id, ++_version[id]);
    }

    function _live(uint256 id) private view returns (bool) {
        return block.timestamp < expiresAt[id];
    }

    function _current(uint256 id) private view returns (Records storage) {
        return _records[id][_version[id]];
    }

    function _own(string calldata label) private view returns (uint256 id, Records storage records) {
        id = idOf(label);
        if (!_isAuthorized(ownerOf(id), msg.sender, id)) revert NotHolder(msg.sender);
        records = _current(id);
    }

    function _reveal(bytes32 commitment) private {
        Commitment memory made = commitments[commitment];
        if (made.blockNumber == 0) revert NotCommitted(commitment);
        uint256 from = made.timestamp + MIN_COMMIT_AGE;
        uint256 until = made.timestamp + MAX_COMMIT_AGE;
        if (block.timestamp < from || block.number == made.blockNumber) revert TooEarly(from);
        if (block.timestamp > until) revert TooLate(until);
        delete commitments[commitment];
    }

    /// @dev Burns the price and returns the rest, last of all: the receiver may call back and finds all books closed.
    function _pay(uint256 cost) private {
        _send(address(0), cost);
        if (msg.value > cost) _send(msg.sender, msg.value - cost);
    }

    function _send(address to, uint256 amount) private {
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed();
    }
}
