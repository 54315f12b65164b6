export { deviceBehind } from './identity';
export { nameIn, peerName, usePeerName, usePeerNames } from './names';
export { relayAddress } from './relays';
export { threadOf, useThread, type Thread } from './threads';
