import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { problemOf } from '../../api/problem';
import { useServices, type ServiceView } from '../../app/services';
import { useFeed } from '../../feed/store';
import { bytes } from '../../figures';
import { Card } from '../../look/Card';
import { Switch } from '../../look/Switch';
import { Table, type Column } from '../../look/Table';
import { TextLink } from '../../look/TextLink';
import { toast } from '../../look/toasts';
import { DoingSign } from '../../map/DoingSign';
import styles from './Everyone.module.css';

/** The switch of one service. While the node works on it, it shows where it is going. */
function OnOff({ service }: { service: ServiceView }) {
  const { t } = useTranslation('services');
  const past = useFeed((state) => state.replay !== null);
  const change = useMutation({
    mutationFn: (on: boolean) =>
      answer(api.PUT('/api/v1/services/{name}', { params: { path: { name: service.id } }, body: { on } })),
    onError: (error) => {
      const { error: said, mend } = problemOf(error);
      toast(t('failed', { service: service.name, error: [said, mend].filter(Boolean).join(' ') }), 'bad');
    },
  });
  if (service.status.core) return <span className="quiet">{t('table.core')}</span>;
  return (
    <Switch
      label={t('table.on', { service: service.name })}
      hideLabel
      isSelected={change.isPending ? change.variables : service.status.on}
      isDisabled={change.isPending || past}
      onChange={(on) => change.mutate(on)}
    />
  );
}

/** Every service: what it is for, what it does, what it moved, and its switch. */
export function Everyone() {
  const { t } = useTranslation('services');
  const services = useServices();
  const columns: Column<ServiceView>[] = [
    {
      id: 'service',
      head: t('table.service'),
      isRowHead: true,
      cell: ({ name, to, doing, thread }) => (
        <span className={styles.service}>
          <DoingSign doing={doing} colour={`var(--t${thread})`} />
          <TextLink to={to}>{name}</TextLink>
        </span>
      ),
    },
    { id: 'does', head: t('table.does'), cell: ({ status }) => <span className="quiet">{status.summary}</span> },
    { id: 'now', head: t('table.now'), cell: ({ note }) => note, width: '120px' },
    {
      id: 'received',
      head: t('table.received'),
      figure: true,
      width: '92px',
      cell: ({ sample }) => (sample ? bytes(sample.bytes_in) : '–'),
    },
    {
      id: 'given',
      head: t('table.given'),
      figure: true,
      width: '92px',
      cell: ({ sample }) => (sample ? bytes(sample.bytes_out) : '–'),
    },
    {
      id: 'switch',
      head: t('table.switch'),
      hideHead: true,
      width: '96px',
      cell: (service) => <OnOff service={service} />,
    },
  ];
  return (
    <Card title={t('table.title')} caption={t('table.caption')}>
      <Table label={t('table.title')} columns={columns} rows={services} rowKey={({ id }) => id} />
    </Card>
  );
}
