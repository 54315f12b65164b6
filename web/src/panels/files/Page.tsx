import { Route, Switch } from 'wouter';
import { AddProvider } from './add/AddProvider';
import { TorrentList } from './list/TorrentList';
import { TorrentPage } from './torrent/TorrentPage';

/** The files panel: the list, and a page for each torrent. Dropping and pasting works on both. */
export default function Page() {
  return (
    <AddProvider>
      <Switch>
        <Route path="/files/:infoHash">{({ infoHash }) => <TorrentPage key={infoHash} infoHash={infoHash} />}</Route>
        <Route>
          <TorrentList />
        </Route>
      </Switch>
    </AddProvider>
  );
}
