import type { ReactNode } from 'react';
import { Menu as Base, MenuItem, MenuTrigger } from 'react-aria-components/Menu';
import { Popover } from 'react-aria-components/Popover';
import { Button, type ButtonProps } from './Button';
import { cx } from './cx';
import pop from './Popover.module.css';

export interface MenuEntry {
  id: string;
  label: string;
  onAction: () => void;
  /** Cannot be undone. */
  danger?: boolean;
  isDisabled?: boolean;
}

export interface MenuProps {
  /** What the button says, and what the menu is called. */
  label: string;
  /** Shown in the button instead of the label. */
  children?: ReactNode;
  items: readonly MenuEntry[];
  look?: ButtonProps['look'];
  small?: boolean;
}

/** A button that opens a few actions. */
export function Menu({ label, children, items, look = 'plain', small = false }: MenuProps) {
  return (
    <MenuTrigger>
      <Button look={look} small={small} aria-label={label}>
        {children ?? label}
      </Button>
      <Popover className={cx(pop.popover)} offset={4} placement="bottom end">
        <Base aria-label={label} className={cx(pop.list)}>
          {items.map((item) => (
            <MenuItem
              key={item.id}
              id={item.id}
              textValue={item.label}
              isDisabled={item.isDisabled ?? false}
              onAction={item.onAction}
              className={cx(pop.item, item.danger && pop.danger)}
            >
              {item.label}
            </MenuItem>
          ))}
        </Base>
      </Popover>
    </MenuTrigger>
  );
}
