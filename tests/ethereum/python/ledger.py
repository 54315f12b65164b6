"""web3.py, as a script and a service use it. Reads the network and the compiled contracts as JSON from standard input."""

import asyncio
import json
import os
import sys

from eth_account import Account
from hexbytes import HexBytes
from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.exceptions import (
    ContractCustomError,
    ContractLogicError,
    ContractPanicError,
    TransactionNotFound,
    Web3RPCError,
)
from web3.logs import DISCARD
from web3.utils.subscriptions import LogsSubscription, NewHeadsSubscription

import merkle
from checks import Checks, raises, until

given = json.load(sys.stdin)
nodes = [Web3(HTTPProvider(url)) for url in given["nodes"]]
everywhere = "the one node" if len(nodes) == 1 else f"all {len(nodes)} nodes"
w3 = Web3(HTTPProvider(given["http"]))
account = Account.from_key(given["key"])
friend = Account.create()
coin_code, refusals_code, several_code = (given["contracts"][name] for name in ("Coin", "Refusals", "Several"))
SUPPLY = 10**24
TRANSFER = Web3.to_hex(Web3.keccak(text="Transfer(address,address,uint256)"))
made = {}


def send(transaction, key=None):
    signed = w3.eth.account.sign_transaction(transaction, key or account.key)
    return w3.eth.send_raw_transaction(signed.raw_transaction)


def settle(transaction_hash, status=1):
    receipt = w3.eth.wait_for_transaction_receipt(transaction_hash, timeout=20, poll_latency=0.02)
    assert receipt.status == status, receipt
    return receipt


def base(**fields):
    return {
        "from": account.address,
        "nonce": w3.eth.get_transaction_count(account.address),
        "chainId": w3.eth.chain_id,
        **fields,
    }


def deploy(code, *args):
    built = w3.eth.contract(abi=code["abi"], bytecode=code["bytecode"]).constructor(*args).build_transaction(base())
    receipt = settle(send(built))
    return w3.eth.contract(address=receipt.contractAddress, abi=code["abi"]), receipt


def transfer(to, amount, **fields):
    return send(made["coin"].functions.transfer(to, amount).build_transaction(base(**fields)))


def balance_slot(owner):
    return Web3.keccak(bytes(12) + bytes.fromhex(owner[2:]) + bytes(32))


def final(transaction_hash, status=1):
    """Every node has the receipt, all say the same of it, and on each latest, safe and finalized are one block."""

    def found(node):
        try:
            return node.eth.get_transaction_receipt(transaction_hash)
        except TransactionNotFound:
            return None

    receipts = [until("a receipt", lambda node=node: found(node)) for node in nodes]
    assert all(Web3.to_json(receipt) == Web3.to_json(receipts[0]) for receipt in receipts), receipts
    assert receipts[0].status == status
    for node in nodes:
        tags = ("latest", "safe", "finalized")
        until("one final block", lambda node=node, tags=tags: len({node.eth.get_block(tag).hash for tag in tags}) == 1)
        assert node.eth.get_block(receipts[0].blockNumber).hash == receipts[0].blockHash
        assert node.eth.get_block("finalized").number >= receipts[0].blockNumber


def deploys():
    made["coin"], made["deployed"] = deploy(coin_code, "Loaf", "LOAF", SUPPLY)
    assert Web3.to_hex(w3.eth.get_code(made["coin"].address)) == coin_code["deployedBytecode"]
    assert made["coin"].functions.symbol().call() == "LOAF"
    assert made["coin"].functions.balanceOf(account.address).call() == SUPPLY


def transfers(type_, **fields):
    def run():
        before = made["coin"].functions.balanceOf(friend.address).call()
        made["paid"] = settle(transfer(friend.address, 1000, **{name: each() for name, each in fields.items()}))
        assert made["paid"].type == type_
        assert w3.eth.get_transaction(made["paid"].transactionHash).type == type_
        assert made["coin"].functions.balanceOf(friend.address).call() == before + 1000

    return run


def delegates():
    several, _ = deploy(several_code)
    owner = Account.create()
    settle(transfer(owner.address, 50))
    authorization = owner.sign_authorization({"chainId": w3.eth.chain_id, "address": several.address, "nonce": 0})
    data = made["coin"].encode_abi("transfer", [friend.address, 30])
    delegated = w3.eth.contract(address=owner.address, abi=several_code["abi"])
    built = delegated.functions.run([(made["coin"].address, data)]).build_transaction(
        base(gas=300_000, authorizationList=[authorization])
    )
    before = made["coin"].functions.balanceOf(friend.address).call()
    made["paid"] = settle(send(built))
    assert made["paid"].type == 4
    assert made["coin"].functions.balanceOf(friend.address).call() == before + 30
    assert bytes(w3.eth.get_code(owner.address)) == bytes.fromhex("ef0100" + several.address[2:])


def reads_logs():
    coin, start = made["coin"], made["deployed"].blockNumber
    topics = [TRANSFER, None, Web3.to_hex(bytes(12) + bytes.fromhex(friend.address[2:]))]
    logs = w3.eth.get_logs({"address": coin.address, "topics": topics, "fromBlock": start, "toBlock": "latest"})
    assert [coin.events.Transfer().process_log(log).args.value for log in logs] == [1000, 1000, 1000, 30]
    own = coin.events.Transfer().get_logs(
        from_block=start, argument_filters={"from": account.address, "to": friend.address}
    )
    assert [event.args.value for event in own] == [1000, 1000, 1000]
    (event,) = coin.events.Transfer().process_receipt(
        w3.eth.get_transaction_receipt(own[0].transactionHash), errors=DISCARD
    )
    assert event.args.to == friend.address


def polls_filters():
    coin = made["coin"]
    events, heads = coin.events.Transfer.create_filter(from_block="latest"), w3.eth.filter("latest")
    waiting = w3.eth.filter("pending")
    receipt = settle(transfer(friend.address, 778))
    heard = until("the event", events.get_new_entries)
    assert [event.args.value for event in heard] == [778]
    assert receipt.blockHash in until("the head", heads.get_new_entries)
    assert receipt.transactionHash in until("the transaction", waiting.get_new_entries)
    assert any(event.args.value == 778 for event in events.get_all_entries())
    assert w3.eth.uninstall_filter(events.filter_id)


async def subscribes():
    async with AsyncWeb3(WebSocketProvider(given["ws"])) as socket:
        heads, events = asyncio.Queue(), asyncio.Queue()

        async def head(context):
            await heads.put(context.result)

        async def event(context):
            await events.put(context.result)

        topics = [TRANSFER, None, Web3.to_hex(bytes(12) + bytes.fromhex(friend.address[2:]))]
        await socket.subscription_manager.subscribe(
            [
                NewHeadsSubscription(handler=head),
                LogsSubscription(address=made["coin"].address, topics=topics, handler=event),
            ]
        )
        listening = asyncio.create_task(socket.subscription_manager.handle_subscriptions(run_forever=True))
        receipt = await asyncio.to_thread(lambda: settle(transfer(friend.address, 777)))
        while (log := await asyncio.wait_for(events.get(), 10)).transactionHash != receipt.transactionHash:
            pass
        assert log.blockHash == receipt.blockHash
        while (block := await asyncio.wait_for(heads.get(), 10)).number < receipt.blockNumber:
            pass
        assert block.number > receipt.blockNumber or block.hash == receipt.blockHash
        await socket.subscription_manager.unsubscribe_all()
        listening.cancel()


def proves():
    block = w3.eth.get_block("latest")
    coin = made["coin"]
    slots = [int.from_bytes(balance_slot(owner), "big") for owner in (friend.address, Account.create().address)]
    proof = w3.eth.get_proof(coin.address, slots, block.number)
    assert merkle.verify(block.stateRoot, proof)
    held = coin.functions.balanceOf(friend.address).call(block_identifier=block.number)
    assert int.from_bytes(proof.storageProof[0].value, "big") == held > 0
    assert not merkle.verify(block.stateRoot, w3.eth.get_proof(Account.create().address, [], block.number))
    other = bytes(block.stateRoot[:-1]) + bytes([block.stateRoot[-1] ^ 1])
    raises(Exception, lambda: merkle.verify(other, proof))
    raises(AssertionError, lambda: merkle.verify(block.stateRoot, type(proof)({**proof, "balance": proof.balance + 1})))


def estimates():
    call = {
        "from": account.address,
        "to": made["coin"].address,
        "data": made["coin"].encode_abi("transfer", [friend.address, 1]),
    }
    gas = w3.eth.estimate_gas(call)
    used = settle(
        send(
            base(
                **call,
                gas=gas,
                maxFeePerGas=w3.eth.gas_price * 2,
                maxPriorityFeePerGas=w3.eth.max_priority_fee,
                value=0,
            )
        )
    )
    assert used.gasUsed <= gas < used.gasUsed * 1.5
    history = w3.eth.fee_history(3, "latest", [10.0, 90.0])
    assert (len(history.baseFeePerGas), len(history.reward), len(history.gasUsedRatio)) == (4, 3, 3)
    listed = w3.eth.create_access_list(call)
    keys = {bytes(HexBytes(key)) for entry in listed.accessList for key in entry.storageKeys}
    assert keys == {bytes(balance_slot(account.address)), bytes(balance_slot(friend.address))}, keys


def calls_of_old():
    coin, start = made["coin"], made["deployed"].blockNumber
    assert coin.functions.balanceOf(friend.address).call(block_identifier=start) == 0
    assert coin.functions.balanceOf(friend.address).call() > 0
    assert w3.eth.get_code(coin.address, start - 1) == b""
    nonce = w3.eth.get_transaction_count
    assert nonce(account.address, start) == nonce(account.address, start - 1) + 1


def tells_reverts_apart():
    refusals, _ = deploy(refusals_code)
    sender = {"from": account.address}
    error = raises(ContractCustomError, lambda: refusals.functions.custom(3).call(sender))
    selector = Web3.keccak(text="NotToday(address,uint256)")[:4]
    assert error.data == Web3.to_hex(
        selector + bytes(12) + bytes.fromhex(account.address[2:]) + (3).to_bytes(32, "big")
    ), error
    error = raises(ContractLogicError, lambda: refusals.functions.text().call(sender))
    assert error.message == "execution reverted: not today", error
    raises(ContractPanicError, lambda: refusals.functions.panic(0).call(sender))
    raises(ContractCustomError, lambda: refusals.functions.custom(4).estimate_gas(sender))
    failed = send(refusals.functions.custom(5).build_transaction(base(gas=100_000)))
    settle(failed, status=0)
    final(failed, status=0)


def refuses_bad_transactions():
    fees = {"to": account.address, "value": 1, "gas": 60_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    error = raises(Web3RPCError, lambda: send({**base(**fees), "nonce": 0}))
    assert "nonce too low" in error.message, error
    empty = Account.create()
    error = raises(Web3RPCError, lambda: send({**base(**fees), "from": empty.address, "nonce": 0}, empty.key))
    assert "insufficient funds" in error.message, error
    nonce = w3.eth.get_transaction_count(account.address)
    # With a nonce missing before it, it has to wait.
    waiting = send({**base(**fees), "nonce": nonce + 1})
    assert w3.eth.get_transaction(waiting).get("blockNumber") is None
    error = raises(Web3RPCError, lambda: send({**base(**fees), "nonce": nonce + 1, "value": 2}))
    assert "replacement transaction underpriced" in error.message, error
    more = {
        **base(**fees),
        "nonce": nonce + 1,
        "value": 2,
        "maxFeePerGas": 12 * 10**9,
        "maxPriorityFeePerGas": 12 * 10**8,
    }
    second = send(more)
    settle(send({**base(**fees), "nonce": nonce}))
    settle(second)
    final(second)
    raises(TransactionNotFound, lambda: w3.eth.get_transaction_receipt(waiting))


def batches():
    owners = [account.address, *(Account.create().address for _ in range(20))]
    with w3.batch_requests() as batch:
        for owner in owners:
            batch.add(made["coin"].functions.balanceOf(owner))
        batch.add(w3.eth.get_block("latest"))
        balances = batch.execute()
    assert balances[0] > 0 and balances[1:21] == [0] * 20
    assert balances[21].number >= made["deployed"].blockNumber


async def main():
    checks = Checks("web3py")
    check = checks.check
    await check("deploys an OpenZeppelin ERC-20", deploys)
    await check(f"the deployment is final on {everywhere}", lambda: final(made["deployed"].transactionHash))
    price = lambda: w3.eth.gas_price
    listed = lambda: [{"address": made["coin"].address, "storageKeys": [Web3.to_hex(balance_slot(account.address))]}]
    for name, run in (
        ("a legacy transaction", transfers(0, gasPrice=price)),
        ("an access list (EIP-2930)", transfers(1, gasPrice=price, accessList=listed, type=lambda: 1)),
        ("a capped fee (EIP-1559)", transfers(2)),
    ):
        await check(f"transfers with {name}", run)
        await check(f"the transfer with {name} is final on {everywhere}", lambda: final(made["paid"].transactionHash))
    await check("an account acts through code it delegated to (EIP-7702), and another pays", delegates)
    await check(f"the delegation is final on {everywhere}", lambda: final(made["paid"].transactionHash))
    await check("reads logs by address and topics, and past events", reads_logs)
    await check("hears of heads, of its event and of waiting transactions by polling filters", polls_filters)
    await check("hears of heads and of its event over a WebSocket", subscribes)
    await check("proves an account and a slot against the state root, and absent ones too", proves)
    await check("estimates gas, reads fees' history, makes an access list", estimates)
    await check("calls at an old block and reads an old nonce", calls_of_old)
    await check("tells reverts apart (own error, text, panic), and a failed transaction says so", tells_reverts_apart)
    await check("knows a used nonce, an empty purse, a replacement that pays too little", refuses_bad_transactions)
    await check("sends several calls as one batch", batches)
    # A thread that still waits for the node must not keep a finished suite alive.
    code = checks.end()
    sys.stdout.flush()
    os._exit(code)


asyncio.run(main())
