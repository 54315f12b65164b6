import { useMemo } from 'react';
import { Route, Switch } from 'wouter';
import { feedState, useFeed } from '../../feed/store';
import { Grid } from '../../look/Grid';
import { Contacts } from './Contacts';
import { Meet } from './Meet';
import { OnePeer } from './OnePeer';
import { Others } from './Others';
import { rowsOf } from './rows';

function Everybody() {
  const people = useFeed((state) => state.people);
  const peers = useFeed((state) => state.network.peers);
  const { contacts, others } = useMemo(
    () => rowsOf({ ...feedState(), people, network: { status: null, peers } }),
    [people, peers],
  );
  return (
    <Grid>
      <Contacts rows={contacts} />
      <Meet />
      <Others peers={others} />
    </Grid>
  );
}

/** The peers panel: the address book and everybody who was met, and a page for each of them. */
export default function Page() {
  return (
    <Switch>
      <Route path="/peers/:who">{({ who }) => <OnePeer key={who} who={who} />}</Route>
      <Route>
        <Everybody />
      </Route>
    </Switch>
  );
}
