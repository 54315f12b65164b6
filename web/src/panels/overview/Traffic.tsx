import { useTranslation } from 'react-i18next';
import { useServices, type ServiceView } from '../../app/services';
import { bytes, percent } from '../../figures';
import { Card } from '../../look/Card';
import { Meter } from '../../look/Meter';
import { Table, type Column } from '../../look/Table';
import { TextLink } from '../../look/TextLink';

const moved = ({ sample }: ServiceView) => (sample ? sample.bytes_in + sample.bytes_out : 0);

/** What each service received and gave since the node started. */
export function Traffic() {
  const { t } = useTranslation('overview');
  const services = useServices().filter(({ status }) => status.on);
  const all = services.reduce((sum, service) => sum + moved(service), 0);
  const columns: Column<ServiceView>[] = [
    {
      id: 'service',
      head: t('traffic.service'),
      isRowHead: true,
      width: '120px',
      cell: ({ name, to }) => (
        <TextLink to={to} plain>
          {name}
        </TextLink>
      ),
    },
    {
      id: 'share',
      head: t('traffic.share'),
      cell: (service) => {
        const share = all === 0 ? 0 : moved(service) / all;
        return (
          <Meter
            label={t('traffic.share-of', { service: service.name })}
            value={share}
            text={percent(share)}
            colour={`var(--t${service.thread})`}
          />
        );
      },
    },
    {
      id: 'received',
      head: t('traffic.received'),
      figure: true,
      width: '92px',
      cell: ({ sample }) => (sample ? bytes(sample.bytes_in) : '–'),
    },
    {
      id: 'given',
      head: t('traffic.given'),
      figure: true,
      width: '92px',
      cell: ({ sample }) => (sample ? bytes(sample.bytes_out) : '–'),
    },
  ];
  return (
    <Card title={t('traffic.title')} caption={t('traffic.caption')} span={7}>
      <Table label={t('traffic.title')} columns={columns} rows={services} rowKey={({ id }) => id} />
    </Card>
  );
}
