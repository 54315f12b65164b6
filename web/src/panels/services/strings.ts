import type { Strings } from '../panel';

const en: Strings = {
  nav: 'Services',
  title: 'Services',
  hub: {
    title: 'What this node does',
    caption: 'dashed from a service to the peers it works with',
    label: 'Services of this node: {{on}} of {{all}} on, {{busy}} working',
    self: 'you',
    loading: 'The node has not told of its services yet.',
  },
  legend: { busy: 'working', idle: 'idle', degraded: 'not as it should', off: 'off' },
  table: {
    title: 'Every service',
    caption: 'the core is always on',
    service: 'Service',
    does: 'What it does',
    now: 'Now',
    received: 'Received',
    given: 'Given',
    partners: 'Works with',
    switch: 'Switch',
    core: 'always on',
    on: 'On: {{service}}',
    nobody: 'nobody now',
    more: 'and {{count}} more',
  },
  failed: '{{service}} could not be switched: {{error}}',
  trouble: { title: 'What is not as it should be' },
};

const de: Strings = {
  nav: 'Dienste',
  title: 'Dienste',
  hub: {
    title: 'Was dieser Knoten tut',
    caption: 'gestrichelt vom Dienst zu den Peers, mit denen er arbeitet',
    label: 'Dienste dieses Knotens: {{on}} von {{all}} an, {{busy}} arbeiten',
    self: 'du',
    loading: 'Der Knoten hat von seinen Diensten noch nichts gesagt.',
  },
  legend: { busy: 'arbeitet', idle: 'ruht', degraded: 'nicht, wie er soll', off: 'aus' },
  table: {
    title: 'Alle Dienste',
    caption: 'der Kern ist immer an',
    service: 'Dienst',
    does: 'Was er tut',
    now: 'Jetzt',
    received: 'Empfangen',
    given: 'Gegeben',
    partners: 'Arbeitet mit',
    switch: 'Schalter',
    core: 'immer an',
    on: 'An: {{service}}',
    nobody: 'jetzt niemandem',
    more: 'und {{count}} weiteren',
  },
  failed: '{{service}} ließ sich nicht schalten: {{error}}',
  trouble: { title: 'Was nicht ist, wie es soll' },
};

export const strings = { en, de };
