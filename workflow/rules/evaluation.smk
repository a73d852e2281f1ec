# Needs: a model directory, the shards of one cell line and of the lines that stand in for it (the wrong one, one of
# the same tissue); with the section `landscape` also the landscape of the line.
# Makes: figures of accuracy of the model on the cell line, and every pair with its score.


rule evaluate_cell_line:
    """Evaluate a model on one cell line, with its own environment and with wrong ones."""
    input:
        model=[f"results/models/{{model}}/seed_{{seed}}/{file}" for file in MODEL_FILES],
        shard=[f"results/shards/{{cell_line}}/{file}" for file in SHARD_FILES],
        other_shards=lambda wildcards: shards(wrong_lines(wildcards)),
        sibling_shards=lambda wildcards: shards(sibling_lines(wildcards)),
        landscape=lambda wildcards: landscapes([wildcards.cell_line]),
    output:
        metrics="results/evaluation/{model}/seed_{seed}/{cell_line}/metrics.tsv",
        scored_pairs="results/evaluation/{model}/seed_{seed}/{cell_line}/scored_pairs.parquet",
    log:
        "logs/evaluate_cell_line/{model}_seed_{seed}_{cell_line}.log",
    benchmark:
        "benchmarks/evaluate_cell_line/{model}_seed_{seed}_{cell_line}.tsv"
    # Of models without sequence `evaluate_landscape` makes the same files.
    wildcard_constraints:
        model=one_of(PROJECT.sequence_models) or "-",
    conda:
        "../envs/train-cpu.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(60),
    params:
        code=code("cbat.evaluation.cell_line"),
        role=role_of,
        tissue=lambda wildcards: PROJECT.row(wildcards.cell_line).tissue,
        other_shards=lambda wildcards: expand("results/shards/{cell_line}", cell_line=wrong_lines(wildcards)),
        sibling_shards=lambda wildcards: expand(
            "results/shards/{cell_line}", cell_line=sibling_lines(wildcards)
        ),
        settings=settings(
            "evaluation",
            "chromosomes",
            "contexts",
            "support_sizes",
            "headline_support",
            "headline_negatives",
            "n_bootstrap",
            "seed",
        ),
        landscape=lambda wildcards, input: (
            f"--landscape results/landscape/{wildcards.cell_line}" if input.landscape else ""
        ),
    message:
        "Evaluate {wildcards.model} (seed {wildcards.seed}) on {wildcards.cell_line}."
    shell:
        "cbat evaluate_cell_line --model {wildcards.model} --seed {wildcards.seed}"
        " --model-directory results/models/{wildcards.model}/seed_{wildcards.seed}"
        " --cell-line {wildcards.cell_line} --role {params.role} --tissue {params.tissue}"
        " --shard results/shards/{wildcards.cell_line} --other-shards {params.other_shards}"
        " --sibling-shards {params.sibling_shards} {params.landscape}"
        " --settings {params.settings:q} --threads {threads}"
        " --directory results/evaluation/{wildcards.model}/seed_{wildcards.seed}/{wildcards.cell_line}"
        " > {log} 2>&1"
