"""Drives libtorrent: one JSON request a line on stdin, one JSON answer a line on stdout."""

import base64
import json
import os
import sys

import libtorrent as lt

OPTIONS = json.loads(sys.argv[1])
SESSION = lt.session({
    "listen_interfaces": OPTIONS["listen"],
    "outgoing_interfaces": OPTIONS["from"],
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "allow_multiple_connections_per_ip": True,
    "out_enc_policy": 2,  # plain text, as every client in these comparisons
    "in_enc_policy": 2,
    "min_announce_interval": 2,
    "alert_mask": 0,
})
# Without peer exchange only trackers and `connect` bring peers.
EXCHANGE = 0 if OPTIONS["exchange"] else lt.torrent_flags.disable_pex
TORRENTS = {}


def add(request):
    if "magnet" in request:
        what = lt.parse_magnet_uri(request["magnet"])
    else:
        what = lt.add_torrent_params()
        what.ti = lt.torrent_info(lt.bdecode(base64.b64decode(request["metainfo"])))
    what.save_path = request["folder"]
    what.flags &= ~lt.torrent_flags.auto_managed
    what.flags &= ~lt.torrent_flags.paused
    what.flags |= EXCHANGE
    torrent = SESSION.add_torrent(what)
    name = str(torrent.info_hash())
    TORRENTS[name] = torrent
    return {"info_hash": name}


def connect(request):
    TORRENTS[request["info_hash"]].connect_peer((request["address"], request["port"]))
    return {}


def status(request):
    torrent = TORRENTS[request["info_hash"]]
    now = torrent.status()
    return {
        "progress": now.progress,
        "complete": bool(now.has_metadata and now.is_seeding),
        "downloaded": now.total_payload_download,
        "uploaded": now.total_payload_upload,
        "peers": ["%s:%d" % peer.ip for peer in torrent.get_peer_info()],
        "error": now.errc.message() if now.errc.value() else "",
    }


def make(request):
    path = request["path"]
    files = lt.file_storage()
    lt.add_files(files, path)
    torrent = lt.create_torrent(files, request["piece_length"], flags=lt.create_torrent.v1_only)
    if request["tracker"]:
        torrent.add_tracker(request["tracker"])
    torrent.set_priv(request["private"])
    lt.set_piece_hashes(torrent, os.path.dirname(path))
    return {"metainfo": base64.b64encode(lt.bencode(torrent.generate())).decode()}


def hello(_request):
    return {"version": lt.__version__}


DEEDS = {"add": add, "connect": connect, "status": status, "make": make, "hello": hello}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = DEEDS[request["do"]](request)
    except Exception as why:  # what libtorrent throws is the answer
        answer = {"failed": "%s: %s" % (type(why).__name__, why)}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
os._exit(0)
