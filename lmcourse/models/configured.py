"""A model that one frozen configuration describes: how such a model is saved and made again.

Knows nothing of what the configuration says.
"""

from dataclasses import asdict
from typing import ClassVar

import keras


class Configured(keras.Model):
    """Keep the configuration, write it into the saved file, and read it back.

    Args:
        config: the one object, of the class `kind`, that makes one model differ from another.

    Raises:
        TypeError: if `config` is of another class.
    """

    kind: ClassVar[type]

    def __init__(self, config, **kwargs):
        if not isinstance(config, self.kind):
            raise TypeError(
                f"`config` must be a {self.kind.__name__}. Received: {type(config).__name__}"
            )
        super().__init__(**kwargs)
        self.config, self.vocabulary_size = config, config.vocabulary_size

    def get_config(self):
        """Give the arguments that make the same model again."""
        return super().get_config() | {"config": asdict(self.config)}

    @classmethod
    def from_config(cls, config):
        """Make the model from what `get_config` gave."""
        return cls(cls.kind(**config.pop("config")), **config)
