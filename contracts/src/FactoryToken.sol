// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token as the factory makes it: OpenZeppelin's ERC-20 with features that are fixed when it is made
/// @notice 18 decimals. What a token can do is a constant of its code, so a holder need trust nobody that it stays so.
/// There is one key, and only if the token is mintable: its minter, who can make more up to the cap. The minter can hand
/// this right on or give it up for ever.
contract FactoryToken is ERC20Permit {
    /// @notice What a token is made of.
    /// @param name 1 to 31 bytes
    /// @param symbol 1 to 16 bytes
    /// @param supply what the creator gets at once, in 1e-18
    /// @param cap most that may ever exist, in 1e-18; zero: no bound
    /// @param mintable whether the creator may make more later
    /// @param burnable whether holders may destroy what is theirs
    /// @param permit whether spending can be allowed by signature (ERC-2612)
    struct Options {
        string name;
        string symbol;
        uint256 supply;
        uint256 cap;
        bool mintable;
        bool burnable;
        bool permit;
    }

    /// @notice Most that may ever exist; zero: no bound.
    uint256 public immutable cap;
    /// @notice Whether holders may burn.
    bool public immutable burnable;
    /// @notice Whether `permit` works.
    bool public immutable permittable;
    /// @notice Who may mint; zero: nobody ever again.
    address public minter;

    /// @notice The right to mint went to `minter`; zero: it is given up.
    event MinterChanged(address indexed minter);

    /// @notice Only the minter may do this.
    error OnlyMinter();
    /// @notice The supply would pass the cap.
    error CapExceeded(uint256 supply, uint256 cap);
    /// @notice This token was made without that feature.
    error FeatureOff();

    /// @param creator gets the supply, and the right to mint if there is one
    constructor(Options memory options, address creator) ERC20(options.name, options.symbol) ERC20Permit(options.name) {
        cap = options.cap;
        burnable = options.burnable;
        permittable = options.permit;
        if (options.mintable) {
            minter = creator;
            emit MinterChanged(creator);
        }
        if (options.supply != 0) _mint(creator, options.supply);
    }

    /// @notice Makes new tokens, up to the cap.
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert OnlyMinter();
        _mint(to, amount);
    }

    /// @notice Hands the right to mint on, or gives it up for ever (zero).
    function setMinter(address to) external {
        if (msg.sender != minter) revert OnlyMinter();
        minter = to;
        emit MinterChanged(to);
    }

    /// @notice Destroys tokens of the sender.
    function burn(uint256 amount) external {
        if (!burnable) revert FeatureOff();
        _burn(msg.sender, amount);
    }

    /// @notice Destroys tokens of `from`, out of what it allowed the sender to spend.
    function burnFrom(address from, uint256 amount) external {
        if (!burnable) revert FeatureOff();
        _spendAllowance(from, msg.sender, amount);
        _burn(from, amount);
    }

    /// @inheritdoc ERC20Permit
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        public
        override
    {
        if (!permittable) revert FeatureOff();
        super.permit(owner, spender, value, deadline, v, r, s);
    }

    /// @dev Every way to make tokens passes here, so the cap holds for all.
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from == address(0) && cap != 0 && totalSupply() > cap) revert CapExceeded(totalSupply(), cap);
    }
}
