import { panel as activity } from './activity';
import { panel as feedHealth } from './feed-health';
import { panel as files } from './files';
import { panel as ledger } from './ledger';
import { panel as network } from './network';
import { panel as overview } from './overview';
import type { Panel } from './panel';
import { panel as peers } from './peers';
import { panel as services } from './services';
import { panel as settings } from './settings';
import { panel as welcome } from './welcome';

const all: Panel[] = [overview, files, peers, network, ledger, services, activity, settings, feedHealth, welcome];

/** Every panel, in the order of the navigation. A new one is an import line above and its name in the list. */
export const panels: readonly Panel[] = all.sort((a, b) => a.order - b.order);
