import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { feedState, useFeed } from '../feed/store';
import type { ServiceSample, ServiceStatus } from '../feed/types';
import { rate } from '../figures';
import { shownName } from '../look/Name';
import type { Doing, HubService } from '../map/hub';
import type { Panel } from '../panels/panel';
import { panels } from '../panels/registry';
import { deviceBehind, threadOf, usePeerNames } from '../threads';

/** A service, what it does now, and where it is told of. */
export interface ServiceView extends HubService {
  status: ServiceStatus;
  sample: ServiceSample | undefined;
}

function panelOf(service: string): Panel | undefined {
  return panels.find((panel) => panel.service === service);
}

/** What a service is called: its panel knows, and where it has none, the node does. */
export function serviceName(t: TFunction, service: string): string {
  const panel = panelOf(service);
  const own = service.charAt(0).toUpperCase() + service.slice(1);
  return t(`service.${service}`, { ns: 'frame', defaultValue: panel ? t('nav', { ns: panel.id }) : own });
}

/** What it does: trouble is told before anything else. */
export function doing(status: ServiceStatus, sample: ServiceSample | undefined): Doing {
  if (status.health?.state === 'degraded') return 'degraded';
  if (!status.on) return 'off';
  return sample?.busy ? 'busy' : 'idle';
}

function note(t: TFunction, what: Doing, sample: ServiceSample | undefined): string {
  const moving = sample ? sample.rate_in + sample.rate_out : 0;
  return what === 'busy' && moving > 0 ? rate(moving) : t(`doing.${what}`, { ns: 'frame' });
}

/** Every service of the node, in the order of its panels; those without one come last. */
export function useServices(): ServiceView[] {
  const { t, i18n } = useTranslation();
  const services = useFeed((state) => state.node.status?.services);
  const samples = useFeed((state) => state.node.sample?.services);
  const name = usePeerNames();
  const language = i18n.language;
  return useMemo(() => {
    const device = (id: string) => deviceBehind(feedState(), id);
    const place = (service: string) => panelOf(service)?.order ?? 1_000;
    const sorted = [...(services ?? [])].sort((a, b) => place(a.name) - place(b.name));
    return sorted.map((status, index): ServiceView => {
      const panel = panelOf(status.name);
      const sample = samples?.[status.name];
      const what = doing(status, sample);
      return {
        id: status.name,
        name: serviceName(t, status.name),
        doing: what,
        note: note(t, what, sample),
        thread: panel?.thread ?? index % 8,
        to: panel?.path ?? '/services',
        partners: [...new Set((sample?.partners ?? []).map(device))].map((id) => ({
          id,
          name: shownName(name(id), 18),
          colour: threadOf(id).colour,
        })),
        status,
        sample,
      };
    });
    // Words change with the language; names of peers with what the feed tells of them, which samples follow.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [services, samples, language]);
}
