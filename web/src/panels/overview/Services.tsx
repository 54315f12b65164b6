import { useTranslation } from 'react-i18next';
import { useServices } from '../../app/services';
import { Card } from '../../look/Card';
import { GraphTable } from '../../look/GraphTable';
import { Table } from '../../look/Table';
import { TextLink } from '../../look/TextLink';
import { HubGraph } from '../../map/HubGraph';

/** The services of this node, lit when they work. */
export function Services() {
  const { t } = useTranslation('overview');
  const services = useServices();
  return (
    <Card title={t('hub.title')} caption={t('hub.caption')} span={6}>
      <GraphTable
        label={t('hub.title')}
        graph={<HubGraph services={services} label={t('hub.label')} self={t('hub.self')} />}
        table={
          <Table
            label={t('hub.title')}
            rows={services}
            rowKey={({ id }) => id}
            columns={[
              {
                id: 'service',
                head: t('traffic.service'),
                isRowHead: true,
                cell: ({ name, to }) => <TextLink to={to}>{name}</TextLink>,
              },
              { id: 'now', head: t('hub.caption'), cell: ({ note }) => note },
            ]}
          />
        }
      />
    </Card>
  );
}
