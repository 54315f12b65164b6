// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Base} from "./Base.sol";
import {NamingRegistry} from "../src/NamingRegistry.sol";

/// @title NamingRegistry where a chain has it: code alone, no constructor run
abstract contract NamingBase is Base {
    NamingRegistry internal constant names = NamingRegistry(0x0000000000000000000000000000000000001002);
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    bytes32 internal constant SECRET = keccak256("secret");

    function place() internal {
        vm.etch(address(names), address(new NamingRegistry()).code);
        vm.deal(ALICE, 1000 ether);
        vm.deal(BOB, 1000 ether);
    }

    function commit(string memory label, address owner, uint256 yearCount) internal {
        names.commit(names.commitmentOf(label, owner, yearCount, SECRET));
    }

    function reveal(string memory label, address owner, uint256 yearCount) internal returns (uint256) {
        uint256 cost = names.price(label, yearCount);
        vm.prank(owner);
        return names.register{value: cost}(label, owner, yearCount, SECRET);
    }

    function take(string memory label, address owner, uint256 yearCount) internal returns (uint256 id) {
        commit(label, owner, yearCount);
        mine(60);
        return reveal(label, owner, yearCount);
    }
}

contract NamingRegistryTest is NamingBase {
    function setUp() external {
        place();
    }

    function test_isAnErc721WithoutItsConstructor() external view {
        eq(names.name(), "Weft Names", "name");
        eq(names.symbol(), "WEFTNAME", "symbol");
        yes(names.supportsInterface(0x80ac58cd), "ERC-721");
        yes(names.supportsInterface(0x5b5e139f), "metadata");
    }

    function test_commitAndReveal() external {
        bytes32 commitment = names.commitmentOf("bakery", ALICE, 2, SECRET);
        uint256 id = names.idOf("bakery");
        vm.expectEmit(true, true, true, true);
        emit NamingRegistry.Committed(commitment, address(this));
        names.commit(commitment);
        mine(60);
        uint256 burnedBefore = address(0).balance;
        uint64 expires = uint64(block.timestamp + 730 days);
        vm.expectEmit(true, true, true, true);
        emit NamingRegistry.Registered(id, ALICE, "bakery", expires, 0.02 ether);
        // Anyone may bring it; the change goes to who paid.
        vm.prank(BOB);
        names.register{value: 5 ether}("bakery", ALICE, 2, SECRET);
        eq(names.ownerOf(id), ALICE, "owner");
        eq(names.balanceOf(ALICE), 1, "balance");
        eq(names.nameOf(id), "bakery", "name");
        eq(names.expiresAt(id), expires, "expiry");
        eq(BOB.balance, 1000 ether - 0.02 ether, "change");
        eq(address(0).balance - burnedBefore, 0.02 ether, "burned");
        eq(address(names).balance, 0, "keeps nothing");
        yes(!names.available("bakery"), "taken");
        (uint64 number,) = names.commitments(commitment);
        eq(number, 0, "used up");
    }

    function test_noNameWithoutCommit() external {
        bytes32 commitment = names.commitmentOf("bakery", ALICE, 1, SECRET);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.NotCommitted.selector, commitment));
        names.register{value: 1 ether}("bakery", ALICE, 1, SECRET);
    }

    function test_revealHasItsTime() external {
        bytes32 commitment = names.commitmentOf("bakery", ALICE, 1, SECRET);
        names.commit(commitment);
        uint256 made = block.timestamp;
        vm.warp(made + 60);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.TooEarly.selector, made + 60));
        names.register{value: 1 ether}("bakery", ALICE, 1, SECRET);
        mine(0);
        vm.warp(made + 59);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.TooEarly.selector, made + 60));
        names.register{value: 1 ether}("bakery", ALICE, 1, SECRET);
        vm.warp(made + 1 days + 1);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.TooLate.selector, made + 1 days));
        names.register{value: 1 ether}("bakery", ALICE, 1, SECRET);
        names.commit(commitment);
        mine(60);
        reveal("bakery", ALICE, 1);
    }

    function test_commitmentCannotBeMadeYounger() external {
        bytes32 commitment = names.commitmentOf("bakery", ALICE, 1, SECRET);
        names.commit(commitment);
        mine(59);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.AlreadyCommitted.selector, commitment));
        vm.prank(BOB);
        names.commit(commitment);
        mine(1);
        reveal("bakery", ALICE, 1);
    }

    /// @dev Bob sees the reveal on its way. What is his to try: the same values, his own address, a commitment just made.
    function test_frontRunnerGetsNothing() external {
        commit("bakery", ALICE, 1);
        mine(60);
        bytes32 stolen = names.commitmentOf("bakery", BOB, 1, SECRET);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.NotCommitted.selector, stolen));
        vm.prank(BOB);
        names.register{value: 1 ether}("bakery", BOB, 1, SECRET);
        vm.prank(BOB);
        names.commit(stolen);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.TooEarly.selector, block.timestamp + 60));
        vm.prank(BOB);
        names.register{value: 1 ether}("bakery", BOB, 1, SECRET);
        vm.prank(BOB);
        uint256 id = names.register{value: 1 ether}("bakery", ALICE, 1, SECRET);
        eq(names.ownerOf(id), ALICE, "still hers, and he paid");
        mine(60);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.Taken.selector, "bakery"));
        vm.prank(BOB);
        names.register{value: 1 ether}("bakery", BOB, 1, SECRET);
    }

    function test_commitmentIsOfThisLedger() external {
        bytes32 here = names.commitmentOf("bakery", ALICE, 1, SECRET);
        vm.chainId(block.chainid + 1);
        yes(here != names.commitmentOf("bakery", ALICE, 1, SECRET), "the same on another ledger");
    }

    function test_rulesOfNames() external view {
        string[8] memory good = ["abc", "a-b", "123", "a1b2", "weft-bakery", "0-0", "ab-c-d", "a--b"];
        for (uint256 i; i < good.length; ++i) {
            yes(names.valid(good[i]), good[i]);
        }
        string[14] memory bad = [
            "", "ab", "Abc", "abC", "-ab", "ab-", "a b", "a.b", unicode"äbc", "a_b", "xn--abc", "ab\x00", "ab--", "a/b"
        ];
        for (uint256 i; i < bad.length; ++i) {
            yes(!names.valid(bad[i]), bad[i]);
            yes(!names.available(bad[i]), bad[i]);
        }
        bytes memory long = new bytes(64);
        for (uint256 i; i < 64; ++i) {
            long[i] = "a";
        }
        yes(!names.valid(string(long)), "64");
        assembly {
            mstore(long, 63)
        }
        yes(names.valid(string(long)), "63");
    }

    /// @dev Any bytes: only those of the alphabet are names.
    function testFuzz_rulesOfNames(bytes calldata raw) external pure {
        bool fits = raw.length >= 3 && raw.length <= 63;
        bytes memory alphabet = "abcdefghijklmnopqrstuvwxyz0123456789-";
        for (uint256 i; fits && i < raw.length; ++i) {
            bool known;
            for (uint256 j; j < alphabet.length; ++j) {
                known = known || alphabet[j] == raw[i];
            }
            fits = known;
        }
        if (fits) {
            fits = raw[0] != "-" && raw[raw.length - 1] != "-";
            fits = fits && !(raw.length > 3 && raw[2] == "-" && raw[3] == "-");
        }
        yes(names.valid(string(raw)) == fits, "rules");
    }

    /// @dev The same over letters of the alphabet alone, where most are names.
    function testFuzz_likelyNames(bytes32 seed, uint8 length) external view {
        bytes memory alphabet = "abcdefghijklmnopqrstuvwxyz0123456789-----";
        bytes memory raw = new bytes(bound(length, 1, 32));
        for (uint256 i; i < raw.length; ++i) {
            raw[i] = alphabet[uint8(seed[i]) % alphabet.length];
        }
        this.testFuzz_rulesOfNames(raw);
    }

    function test_pricesAndYears() external {
        eq(names.price("abc", 1), 1 ether, "3");
        eq(names.price("abcd", 2), 0.2 ether, "4");
        eq(names.price("abcde", 10), 0.1 ether, "5");
        commit("abc", ALICE, 1);
        mine(60);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.PriceNotPaid.selector, 1 ether - 1, 1 ether));
        names.register{value: 1 ether - 1}("abc", ALICE, 1, SECRET);
        vm.expectRevert(NamingRegistry.BadYears.selector);
        names.register{value: 1 ether}("abc", ALICE, 0, SECRET);
        vm.expectRevert(NamingRegistry.BadYears.selector);
        names.register{value: 11 ether}("abc", ALICE, 11, SECRET);
        vm.expectRevert(NamingRegistry.BadName.selector);
        names.register{value: 11 ether}("aBc", ALICE, 1, SECRET);
    }

    function test_renew() external {
        uint256 id = take("bakery", ALICE, 1);
        uint64 expires = names.expiresAt(id);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.PriceNotPaid.selector, 0, 0.01 ether));
        names.renew("bakery", 1);
        vm.prank(BOB);
        names.renew{value: 1 ether}("bakery", 1);
        eq(names.expiresAt(id), expires + 365 days, "a year more");
        eq(BOB.balance, 1000 ether - 0.01 ether, "change");
        vm.expectRevert(NamingRegistry.BadYears.selector);
        names.renew{value: 1 ether}("bakery", 9);
        vm.expectRevert(NamingRegistry.BadYears.selector);
        names.renew{value: 1 ether}("bakery", 0);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.NotTaken.selector, "nobody"));
        names.renew{value: 1 ether}("nobody", 1);
    }

    function test_expiryGraceAndSuccession() external {
        uint256 id = take("bakery", ALICE, 1);
        vm.prank(ALICE);
        names.setAddr("bakery", ALICE);
        vm.prank(ALICE);
        names.approve(BOB, id);
        vm.warp(names.expiresAt(id));
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.Expired.selector, id));
        names.ownerOf(id);
        eq(names.addr("bakery"), address(0), "stands for nothing");
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.Expired.selector, id));
        vm.prank(ALICE);
        names.transferFrom(ALICE, BOB, id);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.Expired.selector, id));
        vm.prank(ALICE);
        names.setAddr("bakery", BOB);

        // In its grace it is nobody else's, and renewing brings it back as it was.
        mine(30 days - 60);
        commit("bakery", BOB, 1);
        mine(60);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.Taken.selector, "bakery"));
        vm.prank(BOB);
        names.register{value: 1 ether}("bakery", BOB, 1, SECRET);
        vm.prank(ALICE);
        names.renew{value: 1 ether}("bakery", 1);
        eq(names.ownerOf(id), ALICE, "back");
        eq(names.addr("bakery"), ALICE, "with its records");

        // After it, the next one starts with none of the last one's records or approvals.
        vm.warp(names.expiresAt(id) + 30 days + 1);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.NotTaken.selector, "bakery"));
        names.renew{value: 1 ether}("bakery", 1);
        vm.deal(address(0xCA201), 1 ether);
        take("bakery", address(0xCA201), 1);
        eq(names.ownerOf(id), address(0xCA201), "the next one's");
        eq(names.balanceOf(ALICE), 0, "no longer counted");
        eq(names.addr("bakery"), address(0), "no record is left");
        eq(names.getApproved(id), address(0), "no approval is left");
    }

    function test_recordsBelongToTheHolder() external {
        uint256 id = take("bakery", ALICE, 1);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.NotHolder.selector, BOB));
        vm.prank(BOB);
        names.setAddr("bakery", BOB);
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.NotHolder.selector, BOB));
        vm.prank(BOB);
        names.setText("bakery", "url", "x");
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.NotHolder.selector, BOB));
        vm.prank(BOB);
        names.setContenthash("bakery", hex"01");
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, names.idOf("nobody")));
        names.setAddr("nobody", BOB);

        vm.prank(ALICE);
        names.setApprovalForAll(BOB, true);
        vm.prank(BOB);
        names.setAddr("bakery", BOB);
        eq(names.addr("bakery"), BOB, "by one approved");
        vm.prank(ALICE);
        names.setContenthash("bakery", hex"e301");
        eq(keccak256(names.contenthash("bakery")), keccak256(hex"e301"), "content hash");
        vm.prank(ALICE);
        names.setText("bakery", "url", "weft:bakery");

        vm.prank(ALICE);
        names.transferFrom(ALICE, BOB, id);
        eq(names.addr("bakery"), address(0), "addr after sale");
        eq(names.text("bakery", "url"), "", "text after sale");
        eq(names.textKeys("bakery").length, 0, "keys after sale");
        eq(names.contenthash("bakery").length, 0, "content hash after sale");
        vm.expectRevert(abi.encodeWithSelector(NamingRegistry.NotHolder.selector, ALICE));
        vm.prank(ALICE);
        names.setAddr("bakery", ALICE);
    }

    function test_textsAreBounded() external {
        take("bakery", ALICE, 1);
        _set("url", "one");
        _set("mail", "two");
        _set("url", "three");
        eq(names.textKeys("bakery").length, 2, "two keys");
        eq(names.text("bakery", "url"), "three", "changed");
        _set("url", "");
        eq(names.textKeys("bakery").length, 1, "one key");
        eq(names.textKeys("bakery")[0], "mail", "the other");
        _set("none", "");
        eq(names.textKeys("bakery").length, 1, "deleting what is not there");
        for (uint256 i; i < 31; ++i) {
            _set(vm.toString(i), "x");
        }
        vm.expectRevert(NamingRegistry.RecordTooLarge.selector);
        _set("one more", "x");
        _set("30", "y");
        _set("30", string(new bytes(1024)));
        vm.expectRevert(NamingRegistry.RecordTooLarge.selector);
        _set("30", string(new bytes(1025)));
        _set("30", "");
        _set(string(new bytes(64)), "x");
        _set("29", "");
        vm.expectRevert(NamingRegistry.RecordTooLarge.selector);
        _set(string(new bytes(65)), "x");
        vm.expectRevert(NamingRegistry.RecordTooLarge.selector);
        _set("", "x");
        vm.prank(ALICE);
        names.setContenthash("bakery", new bytes(128));
        vm.expectRevert(NamingRegistry.RecordTooLarge.selector);
        vm.prank(ALICE);
        names.setContenthash("bakery", new bytes(129));
    }

    function _set(string memory key, string memory value) private {
        vm.prank(ALICE);
        names.setText("bakery", key, value);
    }
}
