"""Archives of images and masks that tests/segmentation.rs reads: python tests/golden/segmentation.py"""

import numpy as np

images = np.arange(40 * 6 * 5, dtype=np.float32).reshape(40, 6, 5) % 7
masks = (images > 3).astype(np.uint8)
np.savez_compressed("tests/golden/segmentation.npz", x=images, y=masks * 255)
# Another size, a third value, and a mask too few.
np.savez_compressed("tests/golden/segmentation_size.npz", x=images, y=masks[:, :, :4])
wrong = masks.copy()
wrong[3, 2, 1] = 2
np.savez_compressed("tests/golden/segmentation_value.npz", x=images, y=wrong)
np.savez_compressed("tests/golden/segmentation_rows.npz", x=images, y=masks[:39])
