import { Name } from '../../look/Name';
import { usePeerName } from '../../threads';

/** What a peer is called here. */
export function PeerName({ id, oneLine = true }: { id: string; oneLine?: boolean }) {
  return <Name text={usePeerName(id)} oneLine={oneLine} />;
}
