import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test, vi } from 'vitest';
import { expectAccessible } from '../../tests/axe';
import '../app/i18n';
import { Banner } from './Banner';
import { Button } from './Button';
import { Card } from './Card';
import { Checkbox } from './Checkbox';
import { Copy } from './Copy';
import { Confirm } from './Dialog';
import { Empty } from './Empty';
import { Facts } from './Facts';
import { Field } from './Field';
import { Figure } from './Figure';
import { GraphTable } from './GraphTable';
import { Menu } from './Menu';
import { Meter } from './Meter';
import { NumberField } from './NumberField';
import { Select } from './Select';
import { Slider } from './Slider';
import { Switch } from './Switch';
import { Tabs } from './Tabs';

const nothing = () => undefined;

test('every primitive is accessible', async () => {
  const { container } = render(
    <main>
      <h1>Page</h1>
      <Banner title="Paused" tone="warn" action={<Button>Go on</Button>}>
        Nothing moves.
      </Banner>
      <Card title="Transfers" caption="now" action={<Button small>Add</Button>}>
        <Empty title="Nothing here">Add a link.</Empty>
        <Facts facts={[{ term: 'Size', value: '4 MB' }]} />
        <Figure value="4" unit="MB" label="size" />
        <Meter label="Share" value={0.4} text="40 %" />
        <Copy text="z6k4aaaaaaaaaaaaaaaaaaaaaaaaaaaaa9fq2" what="peer key" />
        <Field label="Link" value="" onChange={nothing} hint="Paste it." error="Not a link." />
        <Field label="Notes" value="" onChange={nothing} lines={3} />
        <NumberField label="Limit" value={3} onChange={nothing} unit="MB/s" />
        <Select label="Level" value="a" options={[{ value: 'a', label: 'A' }]} onChange={nothing} />
        <Switch label="On" isSelected onChange={nothing} />
        <Checkbox label="Private" isSelected={false} onChange={nothing} />
        <Slider label="Share" value={3} min={0} max={10} onChange={nothing} />
        <Menu label="More" items={[{ id: 'a', label: 'Remove', onAction: nothing }]} />
        <Tabs label="Views" selected="a" onSelect={nothing} tabs={[{ id: 'a', label: 'A', content: 'a' }]} />
        <GraphTable label="Map" graph={<p>graph</p>} table={<p>table</p>} />
      </Card>
    </main>,
  );
  await expectAccessible(container);
});

test('a graph gives way to its table, and the choice is kept', async () => {
  const user = userEvent.setup();
  const shown = <GraphTable label="Peers" graph={<p>the graph</p>} table={<p>the table</p>} />;
  const { unmount } = render(shown);
  expect(screen.getByText('the graph')).toBeInTheDocument();
  await user.click(screen.getByRole('radio', { name: 'Table' }));
  expect(screen.queryByText('the graph')).toBeNull();
  unmount();
  render(shown);
  expect(screen.getByText('the table')).toBeInTheDocument();
});

function Asks({ onConfirm }: { onConfirm: () => Promise<void> }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onPress={() => setOpen(true)}>Remove</Button>
      <Confirm
        title="Remove it?"
        isOpen={open}
        onClose={() => setOpen(false)}
        confirm="Remove it"
        danger
        onConfirm={onConfirm}
      >
        It is gone then.
      </Confirm>
    </>
  );
}

test('a confirmation is an alert, keeps the focus, tells what went wrong, and closes when it is done', async () => {
  const user = userEvent.setup();
  const onConfirm = vi
    .fn<() => Promise<void>>()
    .mockRejectedValueOnce(new Error('the disk is full'))
    .mockResolvedValueOnce();
  render(<Asks onConfirm={onConfirm} />);
  const opener = screen.getByRole('button', { name: 'Remove' });
  await user.click(opener);
  const dialog = screen.getByRole('alertdialog', { name: 'Remove it?' });
  expect(dialog).toContainElement(document.activeElement as HTMLElement);
  await expectAccessible(dialog);
  await user.click(screen.getByRole('button', { name: 'Remove it' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('the disk is full');
  await user.click(screen.getByRole('button', { name: 'Remove it' }));
  await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
  await waitFor(() => expect(opener).toHaveFocus());
});

test('Escape leaves a confirmation without doing it', async () => {
  const user = userEvent.setup();
  const onConfirm = vi.fn<() => Promise<void>>();
  render(<Asks onConfirm={onConfirm} />);
  await user.click(screen.getByRole('button', { name: 'Remove' }));
  await user.keyboard('{Escape}');
  await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
  expect(onConfirm).not.toHaveBeenCalled();
});

test('a long key is shown in part and copied whole', async () => {
  const user = userEvent.setup();
  const key = 'z6k4jqvgb1ntp6ymq0dkw5y8x3c7r2u9fq2abcdefgh123456789';
  render(<Copy text={key} what="peer key" />);
  expect(screen.getByText('z6k4jq…456789')).toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Copy peer key' }));
  expect(await navigator.clipboard.readText()).toBe(key);
  expect(screen.getByRole('status')).toHaveTextContent('Copied');
});
