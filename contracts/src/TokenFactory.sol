// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {FactoryToken} from "./FactoryToken.sol";

/// @title Makes ERC-20 tokens at addresses known before
/// @notice A predeploy at 0x0000000000000000000000000000000000001004. A token's address follows from its creator, a salt
/// and its options, so nobody else can take it, and it can be named before it exists.
contract TokenFactory {
    /// @notice One token of the list.
    struct Entry {
        address token;
        address creator;
        uint64 blockNumber;
    }

    /// @notice Longest name, in bytes: what a signed message of EIP-712 carries in one word.
    uint256 public constant MAX_NAME = 31;
    /// @notice Longest symbol, in bytes.
    uint256 public constant MAX_SYMBOL = 16;
    /// @notice Most entries of one page.
    uint256 public constant MAX_PAGE = 100;

    Entry[] private _tokens;
    mapping(address creator => address[]) private _byCreator;
    /// @notice Who made a token here; zero if it is not from here.
    mapping(address token => address creator) public creatorOf;

    /// @notice A token was made.
    event TokenCreated(
        address indexed token,
        address indexed creator,
        string name,
        string symbol,
        uint256 supply,
        uint256 cap,
        bytes32 salt
    );

    /// @notice A name of 1 to MAX_NAME bytes and a symbol of 1 to MAX_SYMBOL bytes are needed.
    error BadName();
    /// @notice The first supply is over the cap.
    error SupplyOverCap(uint256 supply, uint256 cap);
    /// @notice A token that can neither be minted nor has a supply is of no use.
    error NoSupply();
    /// @notice This creator made this very token before.
    error AlreadyCreated(address token);
    /// @notice A page has 1 to MAX_PAGE entries.
    error BadPage(uint256 limit);

    /// @notice Makes a token; its supply and its right to mint are the sender's.
    /// @param options see FactoryToken
    /// @param salt any value, to tell tokens of the same creator and options apart
    function create(FactoryToken.Options calldata options, bytes32 salt) external returns (address token) {
        uint256 name = bytes(options.name).length;
        uint256 symbol = bytes(options.symbol).length;
        if (name == 0 || name > MAX_NAME || symbol == 0 || symbol > MAX_SYMBOL) revert BadName();
        if (options.cap != 0 && options.supply > options.cap) revert SupplyOverCap(options.supply, options.cap);
        if (options.supply == 0 && !options.mintable) revert NoSupply();
        bytes memory code = _code(options, msg.sender);
        address expected = Create2.computeAddress(salt, keccak256(code));
        if (expected.code.length != 0) revert AlreadyCreated(expected);
        token = Create2.deploy(0, salt, code);
        creatorOf[token] = msg.sender;
        _tokens.push(Entry(token, msg.sender, uint64(block.number)));
        _byCreator[msg.sender].push(token);
        emit TokenCreated(token, msg.sender, options.name, options.symbol, options.supply, options.cap, salt);
    }

    /// @notice Where `create` puts the token when `creator` calls it.
    function predict(address creator, FactoryToken.Options calldata options, bytes32 salt)
        external
        view
        returns (address)
    {
        return Create2.computeAddress(salt, keccak256(_code(options, creator)));
    }

    /// @notice How many tokens were made here.
    function count() external view returns (uint256) {
        return _tokens.length;
    }

    /// @notice How many tokens a creator made.
    function countOf(address creator) external view returns (uint256) {
        return _byCreator[creator].length;
    }

    /// @notice A page of all tokens in the order of their making; shorter or empty at the end.
    function tokens(uint256 offset, uint256 limit) external view returns (Entry[] memory page) {
        page = new Entry[](_length(_tokens.length, offset, limit));
        for (uint256 i; i < page.length; ++i) {
            page[i] = _tokens[offset + i];
        }
    }

    /// @notice A page of one creator's tokens in the order of their making; shorter or empty at the end.
    function tokensOf(address creator, uint256 offset, uint256 limit) external view returns (address[] memory page) {
        address[] storage all = _byCreator[creator];
        page = new address[](_length(all.length, offset, limit));
        for (uint256 i; i < page.length; ++i) {
            page[i] = all[offset + i];
        }
    }

    function _length(uint256 total, uint256 offset, uint256 limit) private pure returns (uint256) {
        if (limit == 0 || limit > MAX_PAGE) revert BadPage(limit);
        if (offset >= total) return 0;
        return total - offset < limit ? total - offset : limit;
    }

    /// @dev With the creator in it: the same salt and options give another code, so another address, to everyone.
    function _code(FactoryToken.Options calldata options, address creator) private pure returns (bytes memory) {
        return abi.encodePacked(type(FactoryToken).creationCode, abi.encode(options, creator));
    }
}
