import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { expectAccessible } from '../../tests/axe';
import '../app/i18n';
import { Table, type Column } from './Table';

interface Row {
  name: string;
  rate: number;
}

const columns: Column<Row>[] = [
  { id: 'name', head: 'Name', isRowHead: true, cell: ({ name }) => name, sort: ({ name }) => name },
  { id: 'rate', head: 'Rate', figure: true, cell: ({ rate }) => rate, sort: ({ rate }) => rate },
];

const table = (rows: Row[]) => <Table label="Peers" columns={columns} rows={rows} rowKey={({ name }) => name} />;
const names = () => screen.getAllByRole('rowheader').map((cell) => cell.textContent);

test('rows stay where they are while their figures change, until an order is asked for again', async () => {
  const user = userEvent.setup();
  const { rerender } = render(table([{ name: 'b', rate: 1 }, { name: 'a', rate: 3 }, { name: 'c', rate: 2 }])); // prettier-ignore
  expect(names()).toEqual(['b', 'a', 'c']);
  await user.click(screen.getByRole('button', { name: /Rate/ }));
  expect(names()).toEqual(['a', 'c', 'b']);
  expect(screen.getByRole('columnheader', { name: /Rate/ })).toHaveAttribute('aria-sort', 'descending');
  // Figures change, and one more comes: it stands at the end.
  rerender(table([{ name: 'd', rate: 9 }, { name: 'b', rate: 8 }, { name: 'a', rate: 0 }, { name: 'c', rate: 2 }])); // prettier-ignore
  expect(names()).toEqual(['a', 'c', 'b', 'd']);
  await user.click(screen.getByRole('button', { name: /Rate/ }));
  expect(names()).toEqual(['a', 'c', 'b', 'd']);
  expect(screen.getByRole('columnheader', { name: /Rate/ })).toHaveAttribute('aria-sort', 'ascending');
  await user.click(screen.getByRole('button', { name: /Name/ }));
  expect(names()).toEqual(['a', 'b', 'c', 'd']);
});

test('is accessible, and its scrolling is reached by keyboard', async () => {
  const user = userEvent.setup();
  const { container } = render(table([{ name: 'a', rate: 1 }]));
  await expectAccessible(container);
  await user.tab();
  expect(screen.getByRole('group', { name: 'Peers' })).toHaveFocus();
});
