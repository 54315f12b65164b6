// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// What an account delegates to (EIP-7702) to do several things in one transaction, whoever pays for it.
contract Several {
    struct Call {
        address to;
        bytes data;
    }

    event Did(uint256 calls);

    function run(Call[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool done,) = calls[i].to.call(calls[i].data);
            require(done, "a call failed");
        }
        emit Did(calls.length);
    }
}
