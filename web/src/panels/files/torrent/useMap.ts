import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { problemOf, type Problem } from '../../../api/problem';
import { keys, map, type TorrentMap } from '../requests';

/** The map of a torrent's pieces, asked for in as many columns as there is room for. */
export interface MapState {
  map: TorrentMap | undefined;
  problem: Problem | null;
  /** Told by the drawing how many columns it has room for. */
  setColumns: (columns: number) => void;
}

/** Enough for a wide page, until the drawing has measured itself. */
const AT_FIRST = 128;

/** Follows the map. It is asked for anew every `pace` milliseconds while the page is seen. */
export function useMap(infoHash: string, enabled: boolean, pace: number): MapState {
  const [columns, setColumns] = useState(AT_FIRST);
  const answer = useQuery({
    queryKey: keys.map(infoHash, columns),
    queryFn: () => map(infoHash, columns),
    enabled,
    refetchInterval: pace,
    // A page that changes its width keeps what it shows until the new columns are there.
    placeholderData: keepPreviousData,
  });
  return { map: answer.data, problem: answer.error && problemOf(answer.error), setColumns };
}
