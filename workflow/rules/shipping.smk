# Needs: the section `shipped_model`; the model directory of a law whose expectation is a mean track; a table of
# metrics, genes and a chain file of another assembly.
# Makes: a model directory as it comes with the package. docs/models.md says how the package's own are built.

SHIPPED_MODEL = PROJECT.config.shipped_model

if SHIPPED_MODEL is not None:

    rule ship_model:
        """Make a model that comes with the package of the model directory of this run."""
        input:
            package=PACKAGES,
            figures=str(SHIPPED_MODEL.figures),
            chain=str(SHIPPED_MODEL.chain),
            genes=str(SHIPPED_MODEL.genes),
            promoter_classes=[str(path) for path in [PROJECT.config.landscape.promoter_classes] if path],
        output:
            [
                f"results/shipped_models/{SHIPPED_MODEL.name}/{file}"
                for file in package_files(sequence=False, landscape=True)
            ],
        log:
            f"logs/ship_model/{SHIPPED_MODEL.name}.log",
        benchmark:
            f"benchmarks/ship_model/{SHIPPED_MODEL.name}.tsv"
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(10),
        params:
            code=code("cbat.prediction.shipping"),
            package=str(Path(PACKAGES[0]).parent),
            evaluation=settings("evaluation", *HEADLINE_KEYS),
            references=["--references", *SHIPPED_MODEL.references] if SHIPPED_MODEL.references else [],
            classes=lambda wildcards, input: (
                ["--promoter-classes", *input.promoter_classes] if input.promoter_classes else []
            ),
        message:
            "Make the model that comes with the package."
        shell:
            f"cbat ship_model --package {{params.package}} --name {SHIPPED_MODEL.name}"
            " --figures {input.figures:q} {params.references} --evaluation {params.evaluation:q}"
            f" --assembly {SHIPPED_MODEL.assembly} --other-assembly {SHIPPED_MODEL.other_assembly}"
            " --chain {input.chain:q} --other-genes {input.genes:q} {params.classes}"
            f" --directory results/shipped_models/{SHIPPED_MODEL.name} > {{log}} 2>&1"
