// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Which names there are, and what they cost
/// @notice A name is 3 to 63 characters of a-z, 0-9 and `-`, with no `-` at either end and not two of them in third and
/// fourth place (which in DNS announces another alphabet). That is one label of DNS in its only spelling: two names that
/// look alike to a program are equal, and there is nothing to normalise on chain.
library NameRules {
    /// @notice Fewest characters.
    uint256 internal constant MIN_LENGTH = 3;
    /// @notice Most characters: DNS's for a label.
    uint256 internal constant MAX_LENGTH = 63;

    /// @notice Whether a name follows the rules.
    function valid(bytes calldata name) internal pure returns (bool) {
        uint256 length = name.length;
        if (length < MIN_LENGTH || length > MAX_LENGTH) return false;
        for (uint256 i; i < length; ++i) {
            bytes1 c = name[i];
            bool letter = c >= "a" && c <= "z";
            bool digit = c >= "0" && c <= "9";
            if (!letter && !digit && c != "-") return false;
        }
        if (name[0] == "-" || name[length - 1] == "-") return false;
        return length < 4 || name[2] != "-" || name[3] != "-";
    }

    /// @notice Wei for a year of a name of this length: short ones are few.
    function yearly(uint256 length) internal pure returns (uint256) {
        if (length <= 3) return 1 ether;
        if (length == 4) return 0.1 ether;
        return 0.01 ether;
    }
}
