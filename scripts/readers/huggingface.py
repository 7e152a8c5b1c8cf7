"""Opens a folder of `export --format huggingface` as Hugging Face's libraries do; see scripts/check-consumers.

usage: huggingface.py FOLDER PICTURE

transformers reads the weights, huggingface_hub the card, and the programs in README.md run as they stand there.
"""
import os
import re
import shutil
import sys

from huggingface_hub import ModelCard
from transformers.modeling_utils import load_state_dict

folder, picture = sys.argv[1:]
tensors = load_state_dict(f"{folder}/model.safetensors")
data = ModelCard.load(f"{folder}/README.md").data
assert data.pipeline_tag == "keypoint-detection" and data.license, data
results = {(result.dataset_config, result.metric_name): result.metric_value for result in data.eval_results or []}
print(f"huggingface: {len(tensors)} tensors; licence {data.license}; {len(results)} results: {results}")
shutil.copy(picture, f"{folder}/person.jpg")
os.chdir(folder)
sys.path.insert(0, ".")
with open("README.md") as file:
    programs = re.findall(r"```python\n(.*?)```", file.read(), re.S)
assert programs
for program in programs:
    exec(compile(program, "README.md", "exec"), {})
