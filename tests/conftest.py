"""What all tests share."""

from copa import arithmetic

arithmetic.prepare(1)
