// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Base} from "./Base.sol";
import {FactoryToken} from "../src/FactoryToken.sol";
import {TokenFactory} from "../src/TokenFactory.sol";

/// @title TokenFactory and its tokens
contract TokenFactoryTest is Base {
    TokenFactory private _factory;
    address private constant _MAKER = address(0x1111);
    address private constant _OTHER = address(0x2222);

    function setUp() external {
        _factory = new TokenFactory();
    }

    function _plain() private pure returns (FactoryToken.Options memory) {
        return FactoryToken.Options("Bread", "BRD", 1000e18, 0, false, false, false);
    }

    function _make(FactoryToken.Options memory options, bytes32 salt) private returns (FactoryToken) {
        vm.prank(_MAKER);
        return FactoryToken(_factory.create(options, salt));
    }

    function test_aPlainToken() external {
        FactoryToken token = _make(_plain(), 0);
        eq(token.name(), "Bread", "name");
        eq(token.symbol(), "BRD", "symbol");
        eq(token.decimals(), 18, "decimals");
        eq(token.totalSupply(), 1000e18, "supply");
        eq(token.balanceOf(_MAKER), 1000e18, "all of it is the maker's");
        eq(token.minter(), address(0), "nobody mints");
        vm.expectRevert(FactoryToken.OnlyMinter.selector);
        vm.prank(_MAKER);
        token.mint(_MAKER, 1);
        vm.expectRevert(FactoryToken.OnlyMinter.selector);
        vm.prank(_MAKER);
        token.setMinter(_MAKER);
        vm.expectRevert(FactoryToken.FeatureOff.selector);
        vm.prank(_MAKER);
        token.burn(1);
        vm.prank(_MAKER);
        token.approve(_OTHER, 5);
        vm.expectRevert(FactoryToken.FeatureOff.selector);
        vm.prank(_OTHER);
        token.burnFrom(_MAKER, 1);
        vm.expectRevert(FactoryToken.FeatureOff.selector);
        token.permit(_MAKER, _OTHER, 1, type(uint256).max, 27, 0, 0);
        vm.prank(_OTHER);
        yes(token.transferFrom(_MAKER, _OTHER, 5), "transferFrom");
        eq(token.balanceOf(_OTHER), 5, "moved");
    }

    function test_mintUpToTheCap() external {
        FactoryToken.Options memory options = _plain();
        (options.cap, options.mintable, options.burnable) = (1500e18, true, true);
        FactoryToken token = _make(options, 0);
        eq(token.cap(), 1500e18, "cap");
        vm.expectRevert(FactoryToken.OnlyMinter.selector);
        token.mint(_OTHER, 1);
        vm.prank(_MAKER);
        token.mint(_OTHER, 500e18);
        vm.expectRevert(abi.encodeWithSelector(FactoryToken.CapExceeded.selector, 1500e18 + 1, 1500e18));
        vm.prank(_MAKER);
        token.mint(_OTHER, 1);
        vm.prank(_OTHER);
        token.burn(100e18);
        eq(token.totalSupply(), 1400e18, "burned");
        vm.prank(_OTHER);
        token.approve(_MAKER, 2);
        vm.prank(_MAKER);
        token.burnFrom(_OTHER, 2);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, _MAKER, 0, 1));
        vm.prank(_MAKER);
        token.burnFrom(_OTHER, 1);
        vm.prank(_MAKER);
        token.setMinter(_OTHER);
        vm.expectRevert(FactoryToken.OnlyMinter.selector);
        vm.prank(_MAKER);
        token.mint(_MAKER, 1);
        vm.prank(_OTHER);
        token.setMinter(address(0));
        vm.expectRevert(FactoryToken.OnlyMinter.selector);
        vm.prank(_OTHER);
        token.mint(_MAKER, 1);
    }

    function test_permit() external {
        FactoryToken.Options memory options = _plain();
        options.permit = true;
        uint256 secret = 0xA11CE;
        address holder = vm.addr(secret);
        vm.prank(holder);
        FactoryToken token = FactoryToken(_factory.create(options, 0));
        bytes32 digest = keccak256(
            abi.encodePacked(
                "\x19\x01",
                token.DOMAIN_SEPARATOR(),
                keccak256(
                    abi.encode(
                        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                        holder,
                        _OTHER,
                        7,
                        0,
                        block.timestamp
                    )
                )
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        token.permit(holder, _OTHER, 7, block.timestamp, v, r, s);
        eq(token.allowance(holder, _OTHER), 7, "allowed by signature");
    }

    function testFuzz_addressIsPredicted(address maker, bytes32 salt, uint128 supply, bool mintable) external {
        vm.assume(maker != address(0));
        FactoryToken.Options memory options = _plain();
        (options.supply, options.mintable) = (uint256(supply) + 1, mintable);
        address expected = _factory.predict(maker, options, salt);
        yes(expected != _factory.predict(_OTHER, options, salt) || maker == _OTHER, "the same for another");
        eq(expected.code.length, 0, "not there yet");
        vm.prank(maker);
        eq(_factory.create(options, salt), expected, "address");
        eq(_factory.creatorOf(expected), maker, "creator");
        vm.expectRevert(abi.encodeWithSelector(TokenFactory.AlreadyCreated.selector, expected));
        vm.prank(maker);
        _factory.create(options, salt);
        options.name = "Bread 2";
        yes(expected != _factory.predict(maker, options, salt), "options are part of the address");
    }

    function test_refuses() external {
        FactoryToken.Options memory options = _plain();
        options.name = "";
        _refused(options, abi.encodeWithSelector(TokenFactory.BadName.selector));
        options.name = string(new bytes(32));
        _refused(options, abi.encodeWithSelector(TokenFactory.BadName.selector));
        options.name = string(new bytes(31));
        options.symbol = "";
        _refused(options, abi.encodeWithSelector(TokenFactory.BadName.selector));
        options.symbol = string(new bytes(17));
        _refused(options, abi.encodeWithSelector(TokenFactory.BadName.selector));
        options.symbol = string(new bytes(16));
        options.cap = options.supply - 1;
        _refused(options, abi.encodeWithSelector(TokenFactory.SupplyOverCap.selector, 1000e18, 1000e18 - 1));
        (options.cap, options.supply) = (0, 0);
        _refused(options, abi.encodeWithSelector(TokenFactory.NoSupply.selector));
        options.mintable = true;
        _make(options, 0);
    }

    function _refused(FactoryToken.Options memory options, bytes memory why) private {
        vm.expectRevert(why);
        _factory.create(options, 0);
    }

    function test_event() external {
        FactoryToken.Options memory options = _plain();
        address token = _factory.predict(_MAKER, options, "salt");
        vm.expectEmit(true, true, true, true);
        emit TokenFactory.TokenCreated(token, _MAKER, "Bread", "BRD", 1000e18, 0, "salt");
        _make(options, "salt");
    }

    function test_pages() external {
        address[] memory made = new address[](5);
        for (uint256 i; i < 5; ++i) {
            vm.prank(i % 2 == 0 ? _MAKER : _OTHER);
            made[i] = _factory.create(_plain(), bytes32(i));
            mine(1);
        }
        eq(_factory.count(), 5, "count");
        eq(_factory.countOf(_MAKER), 3, "count of one");
        TokenFactory.Entry[] memory page = _factory.tokens(3, 100);
        eq(page.length, 2, "the last page is shorter");
        eq(page[0].token, made[3], "fourth");
        eq(page[1].token, made[4], "fifth");
        eq(page[1].creator, _MAKER, "creator");
        eq(page[1].blockNumber, block.number - 1, "block");
        eq(_factory.tokens(1, 2).length, 2, "a full page");
        eq(_factory.tokens(5, 1).length, 0, "past the end");
        eq(_factory.tokens(type(uint256).max, 100).length, 0, "far past the end");
        address[] memory own = _factory.tokensOf(_OTHER, 1, 5);
        eq(own.length, 1, "own");
        eq(own[0], made[3], "own second");
        vm.expectRevert(abi.encodeWithSelector(TokenFactory.BadPage.selector, 101));
        _factory.tokens(0, 101);
        vm.expectRevert(abi.encodeWithSelector(TokenFactory.BadPage.selector, 0));
        _factory.tokensOf(_MAKER, 0, 0);
    }
}
