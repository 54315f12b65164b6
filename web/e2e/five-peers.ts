// The dashboard in a browser against a lab of five peers. Run by tests/e2e/dashboard.rs.
import { closeAll, type Window } from './browser';
import { say } from './lab';
import type { Scene, Stage } from './scene';
import { fetch } from './scenes/fetch';
import { firstRun } from './scenes/first-run';
import { hostileNames } from './scenes/hostile-names';
import { invite } from './scenes/invite';
import { keyboard } from './scenes/keyboard';
import { offline } from './scenes/offline';
import { panels } from './scenes/panels';
import { play } from './scenes/play';
import { relayBack, relayKilled } from './scenes/relay-killed';
import { replay } from './scenes/replay';
import { share } from './scenes/share';
import { strangers } from './scenes/strangers';
import { picture } from './screens';

/** In this order: a scene stands on what those before it left. */
const scenes: Record<string, Scene> = {
  'first run': firstRun,
  'share by drop': share,
  'invite and accept': invite,
  'fetch by link': fetch,
  'play and seek': play,
  'relay killed': relayKilled,
  replay,
  'keyboard only': keyboard,
  'every panel': panels,
  // A while after it died: nothing is heard of it any more.
  'relay back': relayBack,
  'offline node': offline,
  'hostile names': hostileNames,
  'pages of strangers': strangers,
};

const stage = {} as Stage;

function windows(): Window[] {
  // A scene that failed before its window was open has none.
  return [stage.ann, stage.ben, stage.cara].filter((window) => window !== undefined);
}

async function run(name: string, scene: Scene): Promise<void> {
  const began = performance.now();
  try {
    const figures = await scene(stage);
    for (const window of windows()) window.quiet();
    say(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s; ${figures}`);
  } catch (error) {
    const shots = windows().map((window) =>
      picture(window, `failed-${name.replaceAll(' ', '-')}-${window.name}`, false),
    );
    await Promise.allSettled(shots);
    for (const window of windows()) for (const trouble of window.troubles) say(`${window.name}'s page: ${trouble}`);
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`${name} failed after ${((performance.now() - began) / 1000).toFixed(1)} s: ${told}`, {
      cause: error,
    });
  }
}

let code = 0;
for (const [name, scene] of Object.entries(scenes)) {
  try {
    await run(name, scene);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    code = 1;
    // Those after it stand on it; to look for several faults at once, they may be tried all the same.
    if (!process.env['WEFT_TEST_KEEP']) break;
  }
}
await closeAll().catch(() => undefined);
process.exit(code);
