import type { Draft } from '../draft';
import type { FeedRecord, FullStatus, Health, HealthReport, NodeState, Sample } from '../types';
import { filesDetail } from './files';
import { networkDetail } from './network';
import type { Source } from './source';

function service(draft: Draft, name: string, patch: Partial<FullStatus['services'][number]>) {
  const node = draft.part('node');
  const index = node.status?.services.findIndex((service) => service.name === name) ?? -1;
  if (!node.status || index < 0) return;
  const services = draft.own(node.status.services);
  draft.patch(services, index, patch);
  draft.patch(node, 'status', { services });
}

function health(draft: Draft, part: string, is: Health | null) {
  const node = draft.part('node');
  if (!node.health) return;
  const parts = draft.own(node.health.parts);
  if (is) parts[part] = is;
  else delete parts[part];
  const status = Object.values(parts).every((health) => health.state === 'ok') ? 'ok' : 'degraded';
  draft.patch(node, 'health', { parts, status });
  draft.patch(node, 'status', { health: status });
  service(draft, part, { health: is });
}

function sample(draft: Draft, record: FeedRecord) {
  const node = draft.part('node');
  const taken = record.data as unknown as Sample;
  node.sample = taken;
  node.sample_at_ms = record.at_ms;
  details(draft, taken);
}

/** What the services say in a sample belongs to their own parts of the state. */
function details(draft: Draft, taken: Sample) {
  const { files, network } = taken.services;
  if (files) filesDetail(draft, files);
  if (network) networkDetail(draft, network);
}

export const node: Source = {
  snapshot(draft, state) {
    const { status, services, health, sample } = (state ?? {}) as {
      status?: Omit<FullStatus, 'services' | 'health'>;
      services?: FullStatus['services'];
      health?: HealthReport;
      sample?: Sample;
    };
    const part: NodeState = {
      // As `/api/v1/status` has it: with the services and the health in a word.
      status: status ? { ...status, services: services ?? [], health: health?.status ?? 'ok' } : null,
      health: health ?? null,
      sample: sample ?? null,
      sample_at_ms: draft.state.at_ms,
      stopping: false,
    };
    draft.state.node = part;
  },

  record(draft, record) {
    const { data } = record;
    switch (record.kind) {
      case 'sample':
        return sample(draft, record);
      case 'stopping':
        draft.part('node').stopping = true;
        return;
      case 'ready':
        draft.part('node').stopping = false;
        return;
      case 'service-on':
        return service(draft, String(data['service']), { on: true });
      case 'service-off':
        health(draft, String(data['service']), null);
        return service(draft, String(data['service']), { on: false });
      case 'health-changed':
        return health(draft, String(data['part']), data['health'] as Health);
      default:
        return;
    }
  },
};

/** A snapshot's last sample, once all parts of the state stand. */
export function settle(draft: Draft) {
  const taken = draft.state.node.sample;
  if (taken?.services) details(draft, taken);
}
