// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NamingBase} from "./NamingRegistry.t.sol";
import {NamingRegistry} from "../src/NamingRegistry.sol";

/// @title Three people who commit, reveal with and without reason, renew, sell and wait
contract NamingHandler is NamingBase {
    /// @dev What was committed to, and when.
    mapping(bytes32 what => uint256) private _committedAt;
    /// @dev Who holds a name by what this handler saw: reveals and sales alone.
    mapping(uint256 id => address) public holder;
    uint256 public paid;
    uint256 public burned;
    uint256 public reveals;
    uint256 public failedReveals;

    function label(uint256 i) public pure returns (string memory) {
        return ["abc", "bread", "weft-1"][i % 3];
    }

    function person(uint256 i) public pure returns (address) {
        return address(uint160(0x7000 + i % 3));
    }

    function actCommit(uint256 name, uint256 owner, uint256 age) external {
        bytes32 what = names.commitmentOf(label(name), person(owner), 1, SECRET);
        try names.commit(what) {
            _committedAt[what] = block.timestamp;
        } catch {}
        // Often just long enough.
        if (age % 2 == 0) mine(60);
    }

    function actReveal(uint256 name, uint256 owner, uint256 extra) external {
        address to = person(owner);
        string memory which = label(name);
        bytes32 what = names.commitmentOf(which, to, 1, SECRET);
        uint256 id = names.idOf(which);
        bool was = names.available(which);
        uint256 cost = names.price(which, 1);
        uint256 sent = cost + extra % 3;
        vm.deal(to, sent);
        uint256 sink = address(0).balance;
        vm.prank(to);
        try names.register{value: sent}(which, to, 1, SECRET) {
            uint256 age = block.timestamp - _committedAt[what];
            yes(_committedAt[what] != 0 && age >= 60 && age <= 1 days, "registered without a commitment in time");
            yes(was, "registered what was not free");
            delete _committedAt[what];
            eq(to.balance, sent - cost, "change");
            (paid, burned) = (paid + cost, burned + address(0).balance - sink);
            holder[id] = to;
            ++reveals;
        } catch {
            eq(to.balance, sent, "paid for nothing");
            ++failedReveals;
        }
    }

    function actRenew(uint256 name, uint256 payer) external {
        uint256 cost = names.price(label(name), 1);
        vm.deal(person(payer), cost);
        uint256 sink = address(0).balance;
        vm.prank(person(payer));
        try names.renew{value: cost}(label(name), 1) {
            (paid, burned) = (paid + cost, burned + address(0).balance - sink);
        } catch {}
    }

    function actTransfer(uint256 name, uint256 by, uint256 to) external {
        uint256 id = names.idOf(label(name));
        address sender = person(by);
        vm.prank(sender);
        try names.transferFrom(holder[id], person(to), id) {
            eq(sender, holder[id], "sold by one who does not hold it");
            holder[id] = person(to);
        } catch {}
    }

    function actSetAddr(uint256 name, uint256 by) external {
        vm.prank(person(by));
        try names.setAddr(label(name), person(by)) {
            eq(person(by), holder[names.idOf(label(name))], "set by one who does not hold it");
        } catch {}
    }

    function actWait(uint256 days_) external {
        mine(days_ % 5 == 0 ? 400 days : bound(days_, 0, 3 days));
    }
}

/// @title NamingRegistry: what no order of calls can break
contract NamingInvariantTest is NamingBase {
    NamingHandler private _handler;

    function setUp() external {
        place();
        _handler = new NamingHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev A name is whose reveal or purchase it was, or nobody's.
    function invariant_noNameWithoutReveal() external view {
        uint256 held;
        for (uint256 i; i < 3; ++i) {
            uint256 id = names.idOf(_handler.label(i));
            address holder = _handler.holder(id);
            if (holder == address(0)) eq(names.expiresAt(id), 0, "taken by nobody");
            else ++held;
            try names.ownerOf(id) returns (address owner) {
                eq(owner, holder, "owner");
                yes(block.timestamp < names.expiresAt(id), "expired, and owned");
            } catch {
                yes(block.timestamp >= names.expiresAt(id), "not expired, and not owned");
                eq(names.addr(_handler.label(i)), address(0), "expired, and resolves");
            }
            // What a name points to was set by the holder of now.
            address to = names.addr(_handler.label(i));
            if (to != address(0)) eq(to, holder, "record of an earlier holder");
        }
        uint256 balances;
        for (uint256 i; i < 3; ++i) {
            balances += names.balanceOf(_handler.person(i));
        }
        eq(balances, held, "balances");
    }

    /// @dev All that is paid is burned.
    function invariant_keepsNoCoins() external view {
        eq(address(names).balance, 0, "balance");
        eq(_handler.paid(), _handler.burned(), "burned");
    }
}
